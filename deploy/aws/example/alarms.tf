# An alarm on the shop, made of the lines that the add-on amazon-cloudwatch-observability sends.

locals {
  log_group = "/aws/containerinsights/${var.cluster_name}/application"
}

# A line of the add-on's Fluent Bit: what the container wrote is parsed under log_processed.
resource "aws_cloudwatch_log_metric_filter" "frontend_errors" {
  name           = "frontend-errors"
  log_group_name = local.log_group
  pattern        = "{ $.kubernetes.namespace_name = \"${var.shop_namespace}\" && $.kubernetes.pod_name = \"frontend-*\" && $.log_processed.severity = \"error\" }"

  metric_transformation {
    name          = "frontend-errors"
    namespace     = "OnlineBoutique"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "frontend_errors" {
  alarm_name          = "frontend-errors"
  alarm_description   = "Requests of customers fail. Severity: critical."
  namespace           = "OnlineBoutique"
  metric_name         = aws_cloudwatch_log_metric_filter.frontend_errors.name
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 5
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [module.nightshift.topic_arn]
  ok_actions          = [module.nightshift.topic_arn]
}
