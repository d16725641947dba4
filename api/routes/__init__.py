"""Thin routes, one noun a module."""
