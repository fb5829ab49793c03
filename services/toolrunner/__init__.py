"""The toolrunner service.

Consumes tool-calls. Publishes tool-results and audit, and the catalogue of what it offers.
Owns every credential that reaches the cluster, the source host and AWS.
Never talks to the model or to Slack, and never calls what the policy does not allow.
"""
