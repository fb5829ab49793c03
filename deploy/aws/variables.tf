variable "name" {
  description = "What everything here is called: the queue NAME-alarms, the roles NAME-ingest and NAME-cloudwatch, and so on."
  type        = string
  default     = "nightshift"

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,40}$", var.name))
    error_message = "1 to 40 letters, digits and dashes."
  }
}

variable "send_by_topic" {
  description = "Whether there is an SNS topic, which alarms name as their action."
  type        = bool
  default     = true
}

variable "send_by_rule" {
  description = "Whether an EventBridge rule sends the changes of all alarms of the region, those too that name no topic. Instead of the topic, not beside it."
  type        = bool
  default     = false
}

variable "alarm_prefix" {
  description = "Only alarms whose name begins like this may use the topic, are sent by the rule and are caught up at the start; empty: all of them."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]{0,255}$", var.alarm_prefix))
    error_message = "Up to 255 letters, digits, dots, dashes, underscores and slashes."
  }
}

variable "kms_key" {
  description = "A key of yours for topic and queues, whose policy holds the statements of the output key_policy. Null: the queues are encrypted by SQS itself, the topic not at rest."
  type        = object({ arn = string })
  default     = null
}

variable "operators_topic_arns" {
  description = "Whom CloudWatch tells that nobody takes alarms from the queue. Never the topic of this module."
  type        = list(string)
  default     = []
}

variable "cluster_name" {
  description = "The EKS cluster."
  type        = string
}

variable "namespace" {
  description = "Where Nightshift runs in the cluster."
  type        = string
  default     = "nightshift"
}

variable "identity" {
  description = "How pods come by a role: irsa, or pod-identity."
  type        = string
  default     = "irsa"

  validation {
    condition     = contains(["irsa", "pod-identity"], var.identity)
    error_message = "Either irsa or pod-identity."
  }
}

variable "oidc_provider_arn" {
  description = "The IAM OIDC provider of the cluster; for irsa."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:[a-z-]+:iam::[0-9]{12}:oidc-provider/.+)?$", var.oidc_provider_arn))
    error_message = "The ARN of an OIDC provider in IAM, or nothing."
  }
}

variable "permissions_boundary_arn" {
  description = "A permissions boundary for every role here."
  type        = string
  default     = null
}

variable "log_groups" {
  description = "Log groups that may be searched, as in NIGHTSHIFT_LOG_GROUPS: a name, or a beginning with * behind it."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for group in var.log_groups : can(regex("^[.\\-_/#A-Za-z0-9]{1,512}\\*?$", group))])
    error_message = "Names of log groups; * only at the end."
  }
}

variable "logs" {
  description = "A subscription of one log group through Firehose: ingest's address, the secret in Secrets Manager with its token ({\"api_key\": \"…\"}), the group and what is sent of it. Null: none."
  type = object({
    url              = string
    token_secret_arn = string
    log_group        = string
    filter_pattern   = optional(string, "?ERROR ?CRITICAL")
  })
  default = null

  validation {
    condition     = var.logs == null || can(regex("^https://[^/]+/triggers/logs$", var.logs.url))
    error_message = "The url is https://YOUR-HOST/triggers/logs."
  }
}

variable "overlay" {
  description = "The overlay that the one of the output overlay builds upon: online-boutique or production."
  type        = string
  default     = "online-boutique"
}
