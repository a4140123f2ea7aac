"""The service on a Ray cluster: ``serve run konkyo.service.cluster:app`` (docs/scaling.md)."""

from ray import serve

from konkyo.service.app import create_app

# A replica computes one expensive answer at a time, as a worker does: more of them is more at once. It is counted as a
# processor, and a further one is started where each has more than a few requests on average.
_OPTIONS = {
    "ray_actor_options": {"num_cpus": 1, "runtime_env": {"env_vars": {"OPENBLAS_NUM_THREADS": "1"}}},
    "max_ongoing_requests": 64,
    "health_check_period_s": 5,
    "health_check_timeout_s": 30,
    "graceful_shutdown_timeout_s": 10,
    "autoscaling_config": {"min_replicas": 1, "max_replicas": 16, "target_ongoing_requests": 8},
}

# The factory and not an application: each replica makes its own. A finished one would be pickled, which fails.
Konkyo = serve.deployment(name="konkyo", **_OPTIONS)(serve.ingress(create_app)(type("Konkyo", (), {})))

app = Konkyo.bind()
