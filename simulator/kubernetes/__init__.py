"""The Kubernetes API on the wire: reads of one namespace, with tokens and RBAC answers."""

from simulator.kubernetes.access_files import CertificateFiles, make_certificate, write_kubeconfig
from simulator.kubernetes.web import build_kubernetes

__all__ = ["CertificateFiles", "build_kubernetes", "make_certificate", "write_kubeconfig"]
