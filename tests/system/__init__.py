"""The system as it is deployed: files, containers, operations, a cluster.

The folder's name puts these tests behind those of the browser. When the networks of containers come and go, Chromium
breaks its requests off; and beside several browsers the agents of Ray's nodes do not start in the 15 s that they have.
"""
