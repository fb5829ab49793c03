# Nightshift beside Online Boutique in an EKS cluster that is there already. docs/eks.md walks through it.
terraform {
  required_version = ">= 1.5.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { app = "nightshift" }
  }
}

data "aws_eks_cluster" "this" {
  name = var.cluster_name
}

# Found by the address that the cluster has; docs/eks.md says how to make it where there is none.
data "aws_iam_openid_connect_provider" "this" {
  count = var.identity == "irsa" ? 1 : 0

  url = data.aws_eks_cluster.this.identity[0].oidc[0].issuer
}

module "nightshift" {
  source = "../"

  cluster_name         = var.cluster_name
  identity             = var.identity
  oidc_provider_arn    = var.identity == "irsa" ? data.aws_iam_openid_connect_provider.this[0].arn : ""
  log_groups           = [local.log_group]
  operators_topic_arns = var.operators_topic_arns
}
