"""Measurements. Each module is run by itself and prints its figures."""
