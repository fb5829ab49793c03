"""AWS on the wire: moto for SQS, SNS, EventBridge and CloudWatch, and the alarms it never sends."""

from simulator.aws.stand_in import AwsStandIn

__all__ = ["AwsStandIn"]
