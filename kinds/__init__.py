"""The built-in kinds of job, one folder each: what the API needs in `__init__`, how it is made in `pipeline`."""
