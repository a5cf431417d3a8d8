"""Installs packages of npm into a folder of the build; done at once when nothing changed.

packages.py FOLDER [SOURCE]

SOURCE has package.json, package-lock.json and .npmrc, by default those of the JavaScript client, beside this file.

To change versions: edit package.json, then `npm install --package-lock-only` beside it; .npmrc keeps the lock free of
the registry it was made with.
"""
import contextlib
import fcntl
import hashlib
import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent
FILES = ("package.json", "package-lock.json", ".npmrc")
# --no-audit, --no-fund and --ignore-scripts also stand in .npmrc; a machine's own settings would go before it.
# npm waits between its own attempts, so it makes one more; what is in its cache it does not ask for.
NPM_CI = ("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--fetch-retries=1",
          "--loglevel=error")
SECONDS = 100


def wanted(source):
    """What the folder must hold, in one line."""
    return hashlib.sha256(b"".join((source / name).read_bytes() for name in FILES)).hexdigest() + "\n"


def is_installed(folder, source):
    stamp = folder / "installed"
    return stamp.is_file() and stamp.read_text() == wanted(source)


@contextlib.contextmanager
def held(folder, how):
    """ctest's fixtures order the tests of one run; two runs over one build folder meet here."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, how)
        yield


def npm_ci(folder):
    """What went wrong; empty when nothing did."""
    try:
        run = subprocess.run(NPM_CI, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        sys.exit("FAILED: there is no npm for the packages of a test; tools/setup installs it")
    except subprocess.TimeoutExpired:
        return f"npm did not end within {SECONDS} s"
    return "" if run.returncode == 0 else f"npm ended with {run.returncode}:\n{run.stdout[-3000:]}"


def install(folder, source=SOURCE):
    if is_installed(folder, source):  # asked without the lock too, or a test would wait for another that only reads
        return
    with held(folder, fcntl.LOCK_EX):
        if is_installed(folder, source):
            return
        (folder / "installed").unlink(missing_ok=True)
        for name in FILES:
            shutil.copyfile(source / name, folder / name)
        for left in (1, 0):
            wrong = npm_ci(folder)
            if not wrong:
                (folder / "installed").write_text(wanted(source))
                return
            print(f"packages of {source}: {wrong}", file=sys.stderr)
            if left:
                print("trying once more", file=sys.stderr)
    sys.exit(f"FAILED: `{' '.join(NPM_CI)}` in {folder}, see above. It needs the npm registry that npm is set up with "
             "(`npm config get registry`), or its packages in npm's cache.")


@contextlib.contextmanager
def ready(folder, source=SOURCE):
    """The packages are there, and stay as they are inside."""
    install(folder, source)
    with held(folder, fcntl.LOCK_SH):
        yield


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    install(*(pathlib.Path(argument).resolve() for argument in sys.argv[1:]))
