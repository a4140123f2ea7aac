"""The ground floor: the network as arrays, and what explains it. numpy only."""
