#!/usr/bin/env python3
"""OCI image layouts: whole and reproducible, on a base, refused when that is broken, taken by skopeo and umoci.

    layer_oci_test.py AXLE
"""

import json
import os
import shutil
import subprocess
import sys

from layer_room import LayerCase, main, sha256, tool
from tree import snapshot


class OciTest(LayerCase):
    def test_oci_layout_holds_together_and_is_reproducible(self):
        told = self.layer("--oci", "image")
        image = self.blobs(self.dir / "image")
        self.assertEqual(image["config"]["architecture"], "amd64")
        self.assertEqual(image["config"]["os"], "linux")
        self.assertEqual(image["config"]["created"], "1970-01-01T00:00:00Z")
        self.assertEqual(image["manifest"]["layers"][0]["digest"], told["digest"])
        self.assertEqual(image["manifest"]["layers"][0]["mediaType"], told["media_type"])
        self.layer("--oci", "again")
        self.assertEqual(snapshot(str(self.dir / "image")), snapshot(str(self.dir / "again")))
        # Once more into the same layout: the same image, once.
        self.layer("--oci", "image")
        self.assertEqual(snapshot(str(self.dir / "image")), snapshot(str(self.dir / "again")))

    def test_oci_base_keeps_its_layers_and_its_config(self):
        self.layer("--oci", "base", "--venv", "/srv/base")
        base = self.blobs(self.dir / "base")
        self.layer("--oci", "image", "--base", "base", "--compression", "zstd", "--split", "package")
        image = self.blobs(self.dir / "image")
        self.assertEqual(image["manifest"]["layers"][:1], base["manifest"]["layers"])
        self.assertEqual(len(image["manifest"]["layers"]), 4)
        self.assertEqual(image["manifest"]["layers"][1]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd")
        self.assertEqual(len(image["config"]["history"]), 4)
        self.axle("layer", self.lock, "--oci", "y", "--base", "base", status=6,
                  target=["--python-version", "3.12", "--platform", "manylinux_2_28_aarch64"])

    def test_a_broken_base_is_refused_before_anything_is_written(self):
        self.layer("--oci", "base")
        manifest = self.blobs(self.dir / "base")["index"]["manifests"][0]["digest"].split(":")[1]
        for what in ("not json", "[]", '{"manifests": 3}', '{"manifests": [{"digest": "sha256:../../x"}]}'):
            broken = self.dir / "broken"
            shutil.copytree(self.dir / "base", broken)
            (broken / "index.json").write_text(what)
            status = 3 if "digest" not in what else 8
            self.axle("layer", self.lock, "--oci", "out", "--base", "broken", status=status)
            shutil.rmtree(broken)
            self.assertFalse((self.dir / "out").exists())
        shutil.copytree(self.dir / "base", self.dir / "broken")
        (self.dir / "broken/blobs/sha256" / manifest).write_text("{}")
        done = self.axle("layer", self.lock, "--oci", "out", "--base", "broken", status=3)
        self.assertIn(manifest, done.stderr)
        self.assertFalse((self.dir / "out").exists())

    def test_skopeo_and_umoci_take_the_layout(self):
        self.layer("--oci", "image", "--split", "package")
        if skopeo := tool("skopeo"):
            policy = self.dir / "policy.json"
            policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
            told = json.loads(subprocess.run(
                [skopeo, "--policy", policy, "inspect", f"oci:{self.dir}/image:latest"], check=True,
                capture_output=True, text=True).stdout)
            self.assertEqual(len(told["Layers"]), 3)
            subprocess.run([skopeo, "--policy", policy, "copy", "-q", f"oci:{self.dir}/image:latest",
                            f"docker-archive:{self.dir}/image.tar:demo:latest"], check=True, capture_output=True)
        if umoci := tool("umoci"):
            rootless = [] if os.geteuid() == 0 else ["--rootless"]
            subprocess.run([umoci, "unpack", *rootless, "--image", self.dir / "image:latest", self.dir / "bundle"],
                           check=True, capture_output=True)
            self.axle("sync", self.lock, "--root", self.dir / "root", "--venv", "/opt/venv", "--link-mode", "copy")
            self.assertEqual(snapshot(str(self.dir / "bundle/rootfs/opt/venv")),
                             snapshot(str(self.dir / "root/opt/venv")))


if __name__ == "__main__":
    sys.exit(main())
