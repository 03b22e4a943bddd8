"""Random cases for the operations of `axle debug`: grammars, and mutations of what they give."""

import random
import re


class Cases:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice
        self.chance = lambda p: self.random.random() < p

    def join(self, item, least, most, separator=""):
        return separator.join(item() for _ in range(self.random.randint(least, most)))

    # Versions ----------------------------------------------------------------------------------

    def number(self):
        if self.chance(0.03):
            return str(self.random.randrange(10 ** self.random.randint(15, 60)))
        number = str(self.pick([0, 0, 1, 1, 2, 3, 9, 10, 11, 12, 100, 2024]))
        return "0" + number if self.chance(0.08) else number

    def case(self, text):
        return "".join(c.upper() if self.chance(0.5) else c for c in text) if self.chance(0.1) else text

    def suffix(self, letters):
        separator = ["", "", "", ".", "-", "_"]
        number = "" if self.chance(0.15) else self.number()
        return self.pick(separator) + self.case(self.pick(letters)) + self.pick(separator) + number

    def public_version(self, least=1):
        text = "v" if self.chance(0.04) else ""
        if self.chance(0.08):
            text += self.number() + "!"
        text += self.join(self.number, least, 4, ".")
        if self.chance(0.3):
            text += self.suffix(["a", "b", "c", "rc", "alpha", "beta", "pre", "preview"])
        if self.chance(0.2):
            text += self.pick([lambda: self.suffix(["post", "rev", "r"]), lambda: "-" + self.number()])()
        if self.chance(0.2):
            text += self.suffix(["dev"])
        return text

    def local(self):
        part = lambda: self.pick(["1", "2", "01", "10", "abc", "ABC", "ubuntu", "1a", "a1", "0", "cu118", self.number()])
        return "+" + part() + "".join(self.pick("._-") + part() for _ in range(self.random.randint(0, 2)))

    def version(self):
        text = self.public_version() + (self.local() if self.chance(0.2) else "")
        if self.chance(0.05):
            text = self.pick([" ", "\t", "\n", "\r\n", "\x0b", "\x1c", "\xa0", "\u2003"]) + text
        if self.chance(0.05):
            text += self.pick([" ", "\n", "\u3000", "\x85"])
        return text

    def near_version(self):
        """A version close to others, so that comparisons are interesting."""
        release = self.pick(["1", "1.0", "1.0.0", "1.1", "1.0.1", "2", "0", "1!1.0", "1.2", "1.10", "2.0a1"])
        text = release
        if "a" not in text:
            text += self.pick(["", "", "", "a1", "a2", "b1", "rc1", "a1.post1"])
        text += self.pick(["", "", "", ".post0", ".post1", ".post2"]) if "post" not in text else ""
        text += self.pick(["", "", "", ".dev0", ".dev1"])
        return text + self.pick(["", "", "", "+a", "+1", "+a.1", "+1.a"])

    # Specifiers --------------------------------------------------------------------------------

    def specifier(self, near=False):
        op = self.pick(["==", "==", "!=", "<=", ">=", "<", ">", "~=", "==="])
        version = self.near_version() if near else self.public_version(2 if op == "~=" else 1)
        if near and op not in ("==", "!=", "==="):
            version = version.partition("+")[0]
        if op in ("==", "!="):
            roll = self.random.random()
            if roll < 0.3:
                version = re.match(r"v?(\d+!)?\d+(\.\d+)*", version)[0] + ".*"
            elif roll < 0.45 and not near:
                version += self.local()
        elif op == "===" and self.chance(0.3):
            version = self.pick(["foo", "1.0-anything", "", "1.0.*", "A.B", "1.0+X_y", "1,0"])
        elif self.chance(0.03):
            version += self.pick([".*", "+local"])
        return op + self.pick(["", "", "", " ", "  ", "\t"]) + version

    def specifier_set(self, near=False):
        text = self.join(lambda: self.pick(["", " "]) + self.specifier(near) + self.pick(["", "", " "]), 0, 3, ",")
        if self.chance(0.05):
            text = self.pick([",", " ", ", ,"]) + text + self.pick([",", "", ",,"])
        return text

    # Names -------------------------------------------------------------------------------------

    def name(self):
        part = lambda: self.pick(["foo", "Foo", "b", "A1", "zope", "3d", "x", "ruamel", "Py", "0"])
        text = part()
        for _ in range(self.random.randint(0, 3)):
            text += self.pick([".", "-", "_", "", "--", "_.-"]) + part()
        if self.chance(0.1):
            text = self.pick(["-", ".", "_", ""]) + text + self.pick(["-", ".", "_", "\n", " "])
        return text

    # Markers -----------------------------------------------------------------------------------

    VERSION_VARIABLES = ["python_version", "python_full_version", "implementation_version", "platform_release"]
    TEXT_VARIABLES = [
        "os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_system",
        "platform_version", "implementation_name", "os.name", "sys.platform", "platform.version",
        "platform.machine", "platform.python_implementation", "python_implementation",
    ]  # fmt: skip
    TEXTS = [
        "linux", "Linux", "win32", "darwin", "posix", "nt", "CPython", "PyPy", "cpython", "x86_64", "aarch64", "arm64",
        "Windows", "", "x86_64 aarch64", "linux2", "5.15.0-91-generic", "6.1.0", "#1 SMP", "3.12", "os_name", "extra",
    ]  # fmt: skip

    def quote(self, text):
        if self.chance(0.02):
            text += self.pick(["\\n", "\\x41", "\\\\", "\\q", "\\101", "\\u00e9", "\\'", '\\"', "\\", "\\x4", "\\\n",
                               "\n", "é", "\\0", "\\777", "\\U0001F600", "\t", "\r"])  # fmt: skip
        quote = self.pick("'\"")
        return quote + text + quote

    def python_text(self):
        if self.chance(0.1):
            return self.pick(["3.10.*", "3.12.*", "3", "3.9 3.10", "3.12.0+", "abc", "", "3.12.0rc1", " 3.12", "=3.12"])
        return self.pick(["2.7", "3.6", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.12.0", "3.12.1", "3.13.0a1"])

    def comparison(self):
        op = self.pick(["==", "==", "!=", "<", "<=", ">", ">=", "~=", "===", "in", "not in", "not  in"])
        roll = self.random.random()
        if roll < 0.4:
            variable, literal = self.pick(self.VERSION_VARIABLES), self.python_text()
        elif roll < 0.7:
            variable, literal = self.pick(self.TEXT_VARIABLES), self.pick(self.TEXTS)
            op = self.pick(["==", "!=", "in", "not in", op])
        elif roll < 0.83:
            variable, literal = "extra", self.name().strip()
            op = self.pick(["==", "!=", op])
        elif roll < 0.95:
            variable, literal = self.pick(["extras", "dependency_groups"]), self.pick(["foo", "Foo_b", "b", "dev", "A.1"])
            op = self.pick(["in", "not in", op])
            if self.chance(0.9):
                return self.glue(self.quote(literal), op, variable)
        else:
            variable, literal = self.pick(["os_name", "bogus", '"os_name"', "'python_version'", "extra"]), "posix"
            if self.chance(0.5):
                return self.glue(variable, op, self.pick(["os_name", "python_version", "'x'", "extras"]))
        pair = [variable, self.quote(literal)]
        if self.chance(0.25):
            pair.reverse()
        return self.glue(pair[0], op, pair[1])

    def glue(self, left, op, right):
        blank = lambda: self.pick(["", "  ", "\t"]) if self.chance(0.1) else " "
        return left + blank() + op + blank() + right

    def marker(self, depth=0):
        text = self.comparison()
        for _ in range(self.pick([0, 0, 0, 1, 1, 2, 3])):
            text += self.pick([" and ", " or ", " and  ", "\tor "])
            text += self.comparison() if depth > 3 or self.chance(0.7) else "(" + self.marker(depth + 1) + ")"
        if self.chance(0.15):
            text = self.pick(["(", "( ", "(("]) + text + self.pick([")", " )", "))"])
        return text

    def environment(self):
        environment = {}
        python = self.pick(["3.8", "3.9", "3.10", "3.12", "3.13", "2.7"])
        if self.chance(0.7):
            environment["python_version"] = python
            environment["python_full_version"] = python + self.pick([".0", ".1", ".12", ".0rc1", ".0+", ".0a1+"])
            environment["implementation_version"] = environment["python_full_version"]
        for key in ["os_name", "sys_platform", "platform_machine", "platform_system", "platform_release",
                    "platform_version", "implementation_name", "platform_python_implementation"]:  # fmt: skip
            if self.chance(0.25):
                environment[key] = self.pick(self.TEXTS)
        if self.chance(0.4):
            environment["extra"] = self.pick(["", "foo", "Foo-b", "b", "A1", "zope.x"])
        for key in ["extras", "dependency_groups"]:
            if self.chance(0.4):
                environment[key] = [self.pick(["foo", "foo_B", "dev", "a-1", "b"]) for _ in range(self.random.randint(0, 3))]
        return environment

    # Requirements ------------------------------------------------------------------------------

    def requirement(self):
        blank = lambda: self.pick(["", "", " ", "  ", "\t"]) if self.chance(0.5) else ""
        text = blank() + self.name() + blank()
        if self.chance(0.3):
            text += "[" + self.join(lambda: blank() + self.name().strip() + blank(), 0, 3, ",") + "]" + blank()
        roll = self.random.random()
        if roll < 0.15:
            url = self.pick(["https://files.example/a.whl", "file:///x", "git+https://git.example/r@v1#egg=x", "x;y"])
            text += "@" + blank() + url + self.pick([" ", "", "  "])
        elif roll < 0.8:
            specifiers = self.specifier_set(near=self.chance(0.5))
            text += "(" + blank() + specifiers + blank() + ")" if self.chance(0.3) else specifiers
            text += blank()
        if self.chance(0.4):
            text += ";" + blank() + self.marker() + blank()
        return text

    # Tags and file names -----------------------------------------------------------------------

    ARCHS = ["x86_64", "aarch64", "i686", "ppc64le", "s390x", "riscv64", "armv7l", "armv8l", "loongarch64"]

    def platform(self):
        return self.pick([
            lambda: f"manylinux_2_{self.random.randint(4, 45)}_{self.pick(self.ARCHS)}",
            lambda: f"manylinux_3_{self.random.randint(0, 3)}_{self.pick(self.ARCHS)}",
            lambda: self.pick(["manylinux1_", "manylinux2010_", "manylinux2014_"]) + self.pick(self.ARCHS),
            lambda: f"musllinux_1_{self.random.randint(0, 4)}_{self.pick(self.ARCHS)}",
            lambda: f"macosx_10_{self.random.randint(0, 16)}_{self.pick(['x86_64', 'i386', 'ppc', 'ppc64'])}",
            lambda: f"macosx_{self.random.randint(11, 26)}_{self.random.randint(0, 5)}_{self.pick(['x86_64', 'arm64'])}",
            lambda: f"macosx_{self.random.randint(11, 15)}_0_{self.pick(['universal2', 'intel', 'i386'])}",
            lambda: self.pick(["win32", "win_amd64", "win_arm64", "linux_x86_64", "linux_armv7l", "any", "cygwin_1_x"]),
            lambda: f"ios_{self.random.randint(11, 18)}_{self.random.randint(0, 9)}_arm64_iphoneos",
            lambda: f"android_{self.random.randint(15, 36)}_{self.pick(['arm64_v8a', 'x86_64'])}",
            lambda: "pyemscripten_2025_0_wasm32",
        ])()  # fmt: skip

    def target(self):
        target = {"platform": self.platform()}
        minor = self.random.randint(6, 16)
        if self.chance(0.9):
            target["python"] = f"3.{minor}" + self.pick(["", "", ".4", ".0"])
        elif self.chance(0.3):
            target["python"] = self.pick(["3", "2.7", "3.2", "3.1", "4.0"])
        if self.chance(0.2):
            target["implementation"] = self.pick(["cp", "cpython", "pp", "pypy", "graalpy", "ip"])
        if self.chance(0.25):
            target["free_threaded"] = self.chance(0.7)
        if self.chance(0.25):
            python = "".join(target.get("python", "3.12").split(".")[:2])
            target["abi"] = self.pick([None, "cp" + python, f"cp{python}t", f"cp{python}d", "abi3", "abi3t", "none",
                                       f"cp{python}td", "CP" + python, "pypy311_pp73"])  # fmt: skip
            # The ABI of a debug interpreter, or of a free-threaded one, is one that exists for the version.
            version = re.fullmatch(r"3\.([89]|1\d)(\.\d)?", target.get("python", "3.12"))
            if version is None or (target["abi"] or "").endswith("td") and int(version[1]) < 13:
                target["abi"] = None
        return target

    def wheel_tag(self):
        python = f"3{self.random.randint(7, 15)}"
        return self.pick([
            lambda: "py3-none-any",
            lambda: "py2.py3-none-any",
            lambda: f"cp{python}-cp{python}-{self.wheel_platform()}",
            lambda: f"cp{python}-cp{python}t-{self.wheel_platform()}",
            lambda: f"cp{python}-abi3-{self.wheel_platform()}",
            lambda: f"cp{python}-abi3.abi3t-{self.wheel_platform()}",
            lambda: f"py3-none-{self.wheel_platform()}",
            lambda: f"cp{python}-none-any",
            lambda: f"pp{python}-pypy{python}_pp73-{self.wheel_platform()}",
        ])()  # fmt: skip

    def wheel_platform(self):
        return self.pick([
            "manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux1_x86_64", "manylinux_2_28_x86_64", "linux_x86_64",
            "manylinux_2_17_aarch64", "musllinux_1_2_x86_64", "musllinux_1_1_aarch64", "macosx_11_0_arm64",
            "macosx_10_9_x86_64", "macosx_10_9_universal2", "win_amd64", "win32", "any", "WIN_ARM64",
        ])  # fmt: skip

    def wheel(self, name=None):
        name = name or re.sub(r"[-.\s]+", "_", self.name())
        version = self.pick(["1.0", "1.0.0", "2!1", "1.0.post1", "1.0+a.b", self.version().replace("-", "_")])
        build = self.pick(["", "", "", "-1", "-2", "-10", "-1a", "-1_b", "-01"])
        return f"{name}-{version}{build}-{self.wheel_tag()}.whl"

    # Mutations ---------------------------------------------------------------------------------

    def mutate(self, text):
        alphabet = "0123456789.-_+!*~=<>,;()[]@'\" \t\nabcrvpodelist\\/#\u00a0"
        text = list(text)
        for _ in range(self.pick([1, 1, 1, 2, 3])):
            where = self.random.randint(0, len(text))
            roll = self.random.random()
            if roll < 0.4 or not text:
                text.insert(where, self.pick(alphabet))
            elif roll < 0.7:
                del text[min(where, len(text) - 1)]
            elif roll < 0.9:
                text[min(where, len(text) - 1)] = self.pick(alphabet)
            else:
                end = self.random.randint(where, len(text))
                text[where:end] = text[where:end] * 2
        return "".join(text)

    def maybe_mutate(self, text, p=0.25):
        return self.mutate(text) if self.chance(p) else text

    def case_of(self, kind):
        m = self.maybe_mutate
        if kind == "version":
            op = self.pick(["version-valid", "version-normalize", "version-canonical"])
            return op, [m(self.version(), 0.4)]
        if kind == "compare":
            make = self.pick([self.near_version, self.near_version, self.version])
            return "version-compare", [m(make(), 0.03), make()]
        if kind == "specifier":
            op = self.pick(["specifier-valid", "specifier-normalize"])
            return op, [m(self.specifier_set(near=self.chance(0.3)), 0.4)]
        if kind == "contains":
            near = self.chance(0.8)
            make = self.near_version if near else self.version
            return "specifier-contains", [
                m(self.specifier_set(near), 0.03),
                self.pick(["foo", "", "1.0-Anything"]) if self.chance(0.03) else m(make(), 0.03),
                self.pick([None, None, True, False]),
            ]
        if kind == "marker":
            return "marker-valid", [m(self.marker(), 0.6)]
        if kind == "eval":
            return "marker-eval", [m(self.marker(), 0.05), self.environment()]
        if kind == "name":
            return self.pick(["name-valid", "name-normalize"]), [m(self.name(), 0.4)]
        if kind == "wheel":
            return "wheel-filename", [m(self.wheel(), 0.3)]
        if kind == "sdist":
            return "sdist-filename", [m(self.name() + "-" + self.version() + self.pick([".tar.gz", ".zip"]), 0.3)]
        if kind == "requirement":
            return self.pick(["requirement-parse", "requirement-normalize"]), [m(self.requirement(), 0.3)]
        if kind == "tags":
            return "tags", [self.target()]
        names = [m(self.wheel("foo"), 0.1) for _ in range(self.random.randint(0, 12))]
        return "select-wheel", [names, self.target()]

    WEIGHTS = {
        "version": 12, "compare": 12, "specifier": 8, "contains": 18, "marker": 8, "eval": 16, "name": 4, "wheel": 6,
        "sdist": 2, "requirement": 10, "tags": 2, "select": 3,
    }  # fmt: skip

    def generate(self, count):
        kinds, weights = list(self.WEIGHTS), list(self.WEIGHTS.values())
        for kind in self.random.choices(kinds, weights, k=count):
            yield self.case_of(kind)
