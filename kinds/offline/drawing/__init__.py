"""The offline illustrator: draws scenes and traces pictures, by shapes and image processing alone."""
