"""The peers: for each a module with its task and a client, and its requirements. They run in venvs of their own.

A module has `client()`, an async context manager around the call that submits one story. That call is a coroutine
function or a plain one, as the library has it. Settings are the library's own unless the module says why not.
"""
