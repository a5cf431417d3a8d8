"""A release after this one, of another format on disk, over a store that lives: what it cannot take over it leaves to this
one, byte for byte, and whatever it is killed in; what it has taken over this one refuses, says why and does not touch,
until a backup of before is restored.

usage: upgrade_test.py <bin folder> <proto folder> <next release of nisi-priority-goods>
"""
import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from suite import Client, Suite  # noqa: E402

NAME, INSTITUTE = "priority-goods", "institute.industry"
KILLS = 8


class Story:
    def __init__(self, suite, next_program):
        self.suite, self.today = suite, suite.bin
        self.next = suite.work / "next"
        self.next.mkdir()
        (self.next / f"nisi-{NAME}").symlink_to(next_program)
        self.store, self.witness = suite.data / NAME, suite.data / f"{NAME}.witness"
        self.client, self.editions = Client(suite), []

    def add(self, title):
        made = self.client.eventually("a change", lambda: self.client.goods("CreateEdition", INSTITUTE,
                                                                            edition={"title_ru": title}), bool)
        self.editions.append(made.name)

    def serves(self):
        """All that was acknowledged, and a change."""
        listed = self.client.eventually("an answer", lambda: self.client.goods("ListEditions", INSTITUTE), bool)
        assert sorted(one.name for one in listed.editions) == sorted(self.editions), listed
        self.add(f"Перечень {len(self.editions)}")

    def start(self, bin_folder, **environment):
        self.suite.bin, self.suite.environment = bin_folder, environment
        try:
            self.suite.start_backend(NAME)
        finally:
            self.suite.bin, self.suite.environment = self.today, {}

    def stop(self):
        self.suite.kill(only=NAME)

    def log(self):
        lines = (self.suite.work / f"{NAME}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def said(self, event):
        return next((line for line in self.log() if line["event"] == event), {})

    def files(self):
        """Every file of the store, and what is in it; and what else begins with its name."""
        found = {path: path.read_bytes() for path in [*self.store.rglob("*"), self.witness] if path.is_file()}
        return found, sorted(path.name for path in self.suite.data.glob(f"{NAME}*"))

    def refuses(self, bin_folder, *words, **environment):
        """A start that is refused, says so, and leaves every byte as it was; callers are told to come again."""
        before = self.files()
        try:
            self.start(bin_folder, **environment)
        except AssertionError:
            assert self.suite.processes.pop(NAME).wait(60) == 1, self.log()
        else:
            raise AssertionError(f"{bin_folder} serves: {self.log()}")
        status = self.said("cannot_start")["status"]
        assert all(word in status for word in (*words, "Nothing was changed")), status
        assert self.files() == before, status
        self.client.goods_refused("UNAVAILABLE", "BACKEND_UNAVAILABLE", "CheckGoods", INSTITUTE, codes=["850423"])

    def doctor(self, bin_folder):
        """What the release's doctor says of the store that nobody has open."""
        out = subprocess.run([bin_folder / "nisi", "doctor", NAME, "--data", self.suite.data, "--address",
                              f"127.0.0.1:{self.suite.backend_ports[NAME]}"], capture_output=True, text=True, check=False)
        return out.stdout

    def nisi(self, *args):
        out = subprocess.run([self.today / "nisi", *map(str, args)], capture_output=True, text=True, check=False)
        assert out.returncode == 0, out
        return out.stdout

    def back_up(self):
        self.nisi("backup", "--service", NAME, "--address", f"127.0.0.1:{self.suite.port}", *self.suite.connection_flags(),
                  "--data", self.suite.data, "--as", "operator")


def killed_upgrades(story, took):
    """Killed at any moment of its first start, it has taken the store over or not: one of the two serves."""
    suite, aside = story.suite, story.suite.work / "aside"
    shutil.copytree(story.store, aside)
    shutil.copy2(story.witness, suite.work / "aside.witness")
    editions, taken = list(story.editions), 0
    for i in range(KILLS):
        story.editions = list(editions)
        process = None

        def spawn(name, *args):
            nonlocal process
            process = subprocess.Popen([str(a) for a in args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        spawned, suite._spawn = suite._spawn, spawn
        try:
            story.start(story.next)
        finally:
            suite._spawn = spawned
        time.sleep(2 * took * i / (KILLS - 1))
        process.kill()
        process.wait()
        try:
            story.start(story.today)
        except AssertionError:
            suite.processes.pop(NAME).wait(60)
            assert "STORE_NEWER" in story.said("cannot_start")["status"], story.log()
            taken += 1
            story.start(story.next)
        story.serves()
        story.stop()
        left = sorted(path.name for path in suite.data.glob(f"{NAME}*"))
        assert left == [NAME, f"{NAME}.head.pem", f"{NAME}.witness"], left
        shutil.rmtree(story.store)
        shutil.copytree(aside, story.store)
        shutil.copy2(suite.work / "aside.witness", story.witness)
    story.editions = editions
    assert taken < KILLS, "none was killed before it had taken the store over"
    return taken


def main():
    with Suite(sys.argv[1], sys.argv[2], "processes") as suite:
        story = Story(suite, pathlib.Path(sys.argv[3]).resolve())
        for title in ("Перечень", "Перечень", "Другой"):
            story.add(title)
        story.back_up()
        backed_up = list(story.editions)
        story.stop()

        story.refuses(story.next, "SELF_CHECK_FAILED", "cannot be built of its records", NEXT_RELEASE="unique")
        story.start(story.today)
        assert not story.said("store_checked"), "the release that was here before has nothing to check"
        story.serves()
        story.stop()

        began = time.monotonic()
        story.start(story.next)
        took = time.monotonic() - began
        assert story.said("store_checked"), story.log()
        story.serves()
        story.stop()

        story.refuses(story.today, "STORE_NEWER", "format 2, and this release knows 1", "Run that release")
        told = story.doctor(story.today)
        assert "STORE_BROKEN" in told and "STORE_NEWER" in told, told
        story.start(story.next)
        assert not story.said("store_checked"), "once a release"
        story.serves()
        story.stop()

        # The way back: without what came since.
        story.nisi("restore", "--from", suite.backups, "--to", suite.data, "--service", NAME, "--set-aside")
        story.editions = backed_up
        story.start(story.today)
        story.serves()
        story.stop()
        for path in suite.data.glob(f"{NAME}.before-*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        taken = killed_upgrades(story, took)
        story.client.connection.close()
        suite.kill()
    print(f"upgrade: refused untouched, taken over, refused by the release before, restored; killed {KILLS} times in its "
          f"first start, of which {taken} had taken the store over, and all of it served")


if __name__ == "__main__":
    main()
