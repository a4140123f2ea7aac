"""The system as it is deployed: files, containers, operations.

The folder's name puts these tests behind those of the browser: when the networks of containers come and go, Chromium
breaks its requests off.
"""
