"""Who writes and paints: one module for each provider, `base` for what they share, `registry` for choosing one."""
