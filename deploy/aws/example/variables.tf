variable "region" {
  description = "The region of cluster and alarms."
  type        = string
}

variable "cluster_name" {
  description = "The EKS cluster in which the shop runs."
  type        = string
}

variable "identity" {
  description = "irsa, or pod-identity where the cluster has its agent."
  type        = string
  default     = "irsa"
}

variable "shop_namespace" {
  description = "Where the shop runs in the cluster."
  type        = string
  default     = "online-boutique"
}

variable "operators_topic_arns" {
  description = "An SNS topic of your people, for alarms about Nightshift itself."
  type        = list(string)
  default     = []
}
