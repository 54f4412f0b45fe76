"""A server for the Model Context Protocol (MCP), by which assistants and agents use AugmentAI on this computer's files.

It speaks over standard input and output to the program that started it, opens no port, and fetches nothing.
"""
