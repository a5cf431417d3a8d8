"""Certificates for tests, by the `openssl` that operators have: good ones, and each kind of bad one."""
import datetime
import pathlib
import subprocess


def openssl(*args, feed=None):
    return subprocess.run(["openssl", *map(str, args)], input=feed, check=True, capture_output=True).stdout


class Authority:
    """A certificate authority of its own, in a folder."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key, self.certificate = self.folder / "authority.key", self.folder / "authority.pem"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        openssl("req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", 300, "-out", self.certificate)

    @staticmethod
    def of(folder, key, certificate):
        """One that is there already; `folder` is for what it needs besides."""
        authority = Authority.__new__(Authority)
        authority.folder, authority.key, authority.certificate = pathlib.Path(folder), key, certificate
        return authority

    def issue(self, name, uri, days=(-1, 100), folder=None):
        """NAME.pem and NAME.key in a folder, for the SPIFFE id, as MakeCertificates makes them; `days` from now on."""
        folder = pathlib.Path(folder or self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        key, certificate, names = folder / f"{name}.key", folder / f"{name}.pem", folder / f"{name}.names"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        names.write_text(f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                         f"extendedKeyUsage=serverAuth,clientAuth\n"
                         f"subjectAltName=URI:{uri},DNS:{name},DNS:localhost,IP:127.0.0.1\n")
        self._sign(folder, name, key, days, names, certificate, "-cert", self.certificate)
        key.chmod(0o600)
        return certificate, key

    def renewed(self, days):
        """Its own certificate with other dates, by the same key."""
        extensions, certificate = self.folder / "authority.extensions", self.folder / "renewed.pem"
        extensions.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
        self._sign(self.folder, "authority", self.key, days, extensions, certificate, "-selfsign")
        return certificate

    def _sign(self, folder, name, key, days, extensions, certificate, *by):
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", folder / f"{name}.csr")
        config = folder / f"{name}.conf"
        (folder / "index.txt").write_text("")
        config.write_text(f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index.txt\nnew_certs_dir={folder}\n"
                          "rand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n")
        first, last = ((datetime.datetime.utcnow() + datetime.timedelta(days=day)).strftime("%Y%m%d%H%M%SZ") for day in days)
        openssl("ca", "-batch", "-notext", "-config", config, *by, "-keyfile", self.key, "-startdate", first, "-enddate", last,
                "-extfile", extensions, "-in", folder / f"{name}.csr", "-out", certificate)


def place(source, target, mode=0o600):
    """Puts a file in another's place in one step, as whoever replaces a key does it."""
    new = pathlib.Path(f"{target}.new")
    new.write_bytes(source if isinstance(source, bytes) else pathlib.Path(source).read_bytes())
    new.chmod(mode)
    new.rename(target)


def raw_public_key(key):
    """The 32 bytes of an Ed25519 key's public half."""
    return openssl("pkey", "-in", key, "-pubout", "-outform", "DER")[-32:]
