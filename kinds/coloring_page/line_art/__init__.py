"""Line art: any picture read upright, and lines made clean enough to print and colour in. NumPy and Pillow only."""
