"""Rules that make Python environments from wheels by axle.

    load("@rules_axle//:defs.bzl", "axle_layer", "axle_program", "axle_toolchain", "axle_venv", "axle_wheel")

The axle program is named by the target //tools/axle of your workspace, an axle_toolchain; no platform is resolved, since
that would fetch what has nothing to do with Python. No repository rule, no network and no Python takes part: a wheel is a file of the workspace, or of whatever fetches files
(`http_file`), and every step is an action with declared inputs and outputs, so that sandboxing, remote execution and
remote caches work. Works with Bazel 4.2 and later.
"""

# Bazel starts one axle for many actions where `--strategy=Axle...=worker` is set.
_REQUIREMENTS = {
    "supports-multiplex-sandboxing": "1",
    "supports-multiplex-workers": "1",
    "supports-path-mapping": "1",
    "supports-worker-cancellation": "1",
    "supports-workers": "1",
}

AxleInfo = provider(
    doc = "Unpacked wheels.",
    fields = {
        "wheels": "depset of structs (tree, facts, wheel), dependencies first",
    },
)

AxleToolchainInfo = provider(
    doc = "The axle program, and what it is used for.",
    fields = {
        "axle": "the program",
        "python_version": "X.Y, of all environments",
        "requirements": "execution requirements of its actions",
    },
)

def _axle_toolchain_impl(ctx):
    return [AxleToolchainInfo(
        axle = ctx.file.axle,
        python_version = ctx.attr.python_version,
        requirements = dict(_REQUIREMENTS, **{"requires-worker-protocol": ctx.attr.worker_protocol}),
    )]

axle_toolchain = rule(
    implementation = _axle_toolchain_impl,
    doc = "The axle program, by its path, and the Python that environments are for. The program must lie in a package below the root.",
    attrs = {
        "axle": attr.label(allow_single_file = True, mandatory = True, cfg = "exec", executable = True),
        "python_version": attr.string(mandatory = True),
        "worker_protocol": attr.string(default = "proto", values = ["json", "proto"]),
    },
)

# Each rule has it; one target may use another toolchain than the rest.
_ATTRS = {
    "toolchain": attr.label(default = "@//tools/axle", providers = [AxleToolchainInfo]),
}

def _arguments(ctx, operation):
    """All are in a parameter file, as a worker needs it."""
    arguments = ctx.actions.args()
    arguments.use_param_file("@%s", use_always = True)
    arguments.set_param_file_format("multiline")
    arguments.add(operation)
    arguments.add("--python-version", ctx.attr.toolchain[AxleToolchainInfo].python_version)
    return arguments

def _run(ctx, mnemonic, arguments, inputs, outputs):
    toolchain = ctx.attr.toolchain[AxleToolchainInfo]
    ctx.actions.run(
        arguments = ["action", arguments],
        executable = toolchain.axle,
        execution_requirements = toolchain.requirements,
        inputs = inputs,
        mnemonic = mnemonic,
        outputs = outputs,
        progress_message = "%s %s" % (mnemonic, ctx.label),
    )

def _add_path(arguments, option, file):
    # As a File, not as a string: Bazel may map the path.
    arguments.add_all([file], before_each = option, expand_directories = False)

def _axle_wheel_impl(ctx):
    tree = ctx.actions.declare_directory(ctx.label.name + ".tree")
    facts = ctx.actions.declare_file(ctx.label.name + ".facts")
    arguments = _arguments(ctx, "unpack")
    _add_path(arguments, "--wheel", ctx.file.wheel)
    if ctx.attr.sha256:
        arguments.add("--sha256", ctx.attr.sha256)
    _add_path(arguments, "--into", tree)
    _add_path(arguments, "--facts-out", facts)
    _run(ctx, "AxleUnpack", arguments, [ctx.file.wheel], [tree, facts])

    own = struct(tree = tree, facts = facts, wheel = ctx.file.wheel)
    return [
        DefaultInfo(files = depset([tree])),
        AxleInfo(wheels = depset([own], transitive = [dep[AxleInfo].wheels for dep in ctx.attr.deps], order = "postorder")),
    ]

axle_wheel = rule(
    implementation = _axle_wheel_impl,
    doc = "Unpacks one wheel into a tree: packages, scripts, data, headers and RECORD at the places of an environment.",
    attrs = dict(_ATTRS, **{
        "deps": attr.label_list(providers = [AxleInfo], doc = "other wheels that it needs"),
        "sha256": attr.string(doc = "of the wheel; anything else is an error"),
        "wheel": attr.label(allow_single_file = [".whl"], mandatory = True),
    }),
)

def _wheels(ctx):
    return depset(transitive = [dep[AxleInfo].wheels for dep in ctx.attr.deps], order = "postorder").to_list()

def _axle_venv_impl(ctx):
    tree = ctx.actions.declare_directory(ctx.label.name)
    wheels = _wheels(ctx)
    arguments = _arguments(ctx, "venv")
    for wheel in wheels:
        _add_path(arguments, "--tree", wheel.tree)
        _add_path(arguments, "--facts", wheel.facts)
    arguments.add("--on-conflict", ctx.attr.on_conflict)
    if ctx.attr.prompt:
        arguments.add("--prompt", ctx.attr.prompt)
    arguments.add("--interpreter", "none")
    _add_path(arguments, "--into", tree)
    inputs = [wheel.tree for wheel in wheels] + [wheel.facts for wheel in wheels]
    _run(ctx, "AxleVenv", arguments, inputs, [tree])
    return [DefaultInfo(files = depset([tree]), runfiles = ctx.runfiles(files = [tree]))]

axle_venv = rule(
    implementation = _axle_venv_impl,
    doc = "One environment from wheels and all that they need. It holds files only and no interpreter: axle_program brings one at run time.",
    attrs = dict(_ATTRS, **{
        "deps": attr.label_list(providers = [AxleInfo], mandatory = True),
        "on_conflict": attr.string(default = "error", values = ["error", "first", "last"]),
        "prompt": attr.string(),
    }),
)

def _axle_layer_impl(ctx):
    layer = ctx.actions.declare_file(ctx.label.name + "." + ctx.attr.extension)
    descriptor = ctx.actions.declare_file(ctx.label.name + ".json")
    wheels = [wheel.wheel for wheel in _wheels(ctx)]
    arguments = _arguments(ctx, "layer")
    arguments.add_all(wheels, before_each = "--wheel")
    arguments.add("--on-conflict", ctx.attr.on_conflict)
    arguments.add("--venv", ctx.attr.path)
    if ctx.attr.target_python:
        arguments.add("--target-python", ctx.attr.target_python)
    if ctx.attr.platform:
        arguments.add("--platform", ctx.attr.platform)
    _add_path(arguments, "--output", layer)
    _add_path(arguments, "--descriptor", descriptor)
    _run(ctx, "AxleLayer", arguments, wheels, [layer, descriptor])
    return [DefaultInfo(files = depset([layer])), OutputGroupInfo(descriptor = depset([descriptor]))]

axle_layer = rule(
    implementation = _axle_layer_impl,
    doc = "One environment as a layer of a container image, straight from the wheels: with true modes, the same bytes everywhere.",
    attrs = dict(_ATTRS, **{
        "deps": attr.label_list(providers = [AxleInfo], mandatory = True),
        "extension": attr.string(default = "tar.gz", values = ["tar", "tar.gz", "tar.zst"]),
        "on_conflict": attr.string(default = "error", values = ["error", "first", "last"]),
        "path": attr.string(default = "/opt/venv", doc = "where the environment is in the image"),
        "platform": attr.string(doc = "of the image; wheels for others are an error"),
        "target_python": attr.string(doc = "the interpreter in the image; default /usr/local/bin/pythonX.Y"),
    }),
)

_PROGRAM = """#!/bin/sh
# Starts {entry} of an environment (and leaves no byte-code in it) with the interpreter of the machine: $AXLE_PYTHON, or {python} on PATH.
set -eu
case $0 in (*/*) here=${{0%/*}} ;; (*) here=. ;; esac
if [ -d "$0.runfiles" ]; then
  venv=$0.runfiles/{workspace}/{short_path}
elif [ -n "${{RUNFILES_DIR:-}}" ]; then
  venv=$RUNFILES_DIR/{workspace}/{short_path}
else
  venv=$here/{name}
fi
exec "${{AXLE_PYTHON:-{python}}}" -I -B -c '
import runpy, site, sys
venv, entry = sys.argv[1:3]
del sys.argv[1:3]
site.addsitedir(venv + "/lib/python{version}/site-packages")
sys.argv[0] = venv + "/bin/" + entry
runpy.run_path(sys.argv[0], run_name="__main__")
' "$venv" {entry} "$@"
"""

def _axle_program_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    version = ctx.attr.toolchain[AxleToolchainInfo].python_version
    venv = ctx.file.venv
    ctx.actions.write(program, _PROGRAM.format(
        entry = ctx.attr.entry,
        name = venv.basename,
        python = ctx.attr.python or "python" + version,
        short_path = venv.short_path,
        version = version,
        workspace = ctx.workspace_name,
    ), is_executable = True)
    return [DefaultInfo(executable = program, files = depset([program]), runfiles = ctx.runfiles(files = [venv]))]

axle_program = rule(
    implementation = _axle_program_impl,
    doc = "A program of an environment (a console script by its name), started with an interpreter found at run time.",
    attrs = dict(_ATTRS, **{
        "entry": attr.string(mandatory = True, doc = "a name in the environment's bin"),
        "python": attr.string(doc = "the interpreter; default pythonX.Y on PATH"),
        "venv": attr.label(allow_single_file = True, mandatory = True),
    }),
    executable = True,
)
