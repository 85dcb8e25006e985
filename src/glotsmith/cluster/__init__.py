"""Programs on the nodes of a cluster: a queue of requests, one worker process for each node, and Ray as transport.

The process of the run keeps the ledger, the caches and the teacher. It sends verification jobs and programs in batches
to the nodes. ``dispatcher.py`` does not depend on Ray; ``ray_nodes.py`` starts and monitors the workers.
"""

import logging

from glotsmith.cluster.ray_nodes import ClusterOptions, RayCluster, open_ray_cluster

__all__ = ["ClusterOptions", "RayCluster", "open_ray_cluster"]

logging.getLogger(__name__).addHandler(logging.NullHandler())  # else Python prints warnings that no log receives
