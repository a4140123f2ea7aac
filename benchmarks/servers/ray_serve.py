"""``python -m benchmarks.servers.ray_serve PORT REPLICAS``: the service on Ray Serve, on this machine."""

import sys

import ray
from ray import serve

from konkyo.service.cluster import Konkyo


def main() -> None:
    """Serve until stopped."""
    port, replicas = map(int, sys.argv[1:])
    ray.init(num_cpus=replicas + 1, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(Konkyo.options(autoscaling_config=None, num_replicas=replicas).bind(), blocking=True)


if __name__ == "__main__":
    main()
