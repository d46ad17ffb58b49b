"""A real Postfix of our own on loopback, apart from the machine's: its own configuration, queue,
data, log, users and ports, in one directory. It needs root, as Postfix's master does.

Two doors with STARTTLS: `port` takes mail for its own domain from anybody, `submission` only after
AUTH. Who exists and who is refused stands in tables that a test may change (`access`).
"""
import email
import email.policy
import os
import pathlib
import pwd
import shutil
import subprocess
import time

from bongsu import free_port, wait_for
from peers import Failed, Process

DOMAIN = "shop.example"
USER, PASSWORD = "bongsu", "Sesame, öffne dich!"
REALM = "mx.shop.example"

MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log/maillog
maillog_file_prefixes = {dir}/log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {realm}
mydestination =
mynetworks =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = texthash:{dir}/etc/mailboxes
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
message_size_limit = 2000000
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {dir}/etc/sasl
smtpd_sasl_local_domain = {realm}
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access regexp:{dir}/etc/access
smtpd_forbid_bare_newline = yes
smtpd_delay_reject = yes
smtpd_discard_ehlo_keywords =
default_transport = error:no mail leaves a test
relay_transport = error:no mail leaves a test
"""
MASTER = """
127.0.0.1:{port} inet n - n - 20 smtpd
127.0.0.1:{submission} inet n - n - 20 smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Started when made; `stop` ends its master by its pid."""

    def __init__(self, directory, pki, users=("u1", "u2")):
        if os.geteuid() != 0:
            raise Failed("Postfix can only be started by root")
        self.directory = pathlib.Path(directory) / "postfix"
        self.port, self.submission = free_port(), free_port()
        _open_up(self.directory.parent)
        for part in ("etc/sasl", "queue", "data", "log", "mail"):
            (self.directory / part).mkdir(parents=True)
        shutil.chown(self.directory / "data", "postfix")
        nobody = pwd.getpwuid(65534)
        os.chown(self.directory / "mail", nobody.pw_uid, nobody.pw_gid)
        values = {"dir": self.directory, "domain": DOMAIN, "realm": REALM, "cert": pki.cert,
                  "key": pki.key, "port": self.port, "submission": self.submission}
        self._write("main.cf", MAIN.format(**values))
        self._write("master.cf", MASTER.format(**values))
        self._write("access", "")
        self._write("mailboxes", "".join(f"{u}@{DOMAIN} {u}/\n" for u in users))
        self._sasl()
        self.process = None
        self._start()

    def _write(self, name, text):
        (self.directory / "etc" / name).write_text(text)

    def _sasl(self):
        etc = self.directory / "etc"
        (etc / "sasl" / "smtpd.conf").write_text(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n"
            f"sasldb_path: {etc}/sasldb2\n")
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", etc / "sasldb2", "-u", REALM, USER],
                       input=PASSWORD.encode(), check=True, timeout=20)
        shutil.chown(etc / "sasldb2", "postfix")

    def _start(self):
        etc = self.directory / "etc"
        checked = subprocess.run(["/usr/lib/postfix/sbin/post-install", "create-missing",
                                  f"config_directory={etc}"], capture_output=True, timeout=60,
                                 env={**os.environ, **self._environment()}, check=False)
        if checked.returncode != 0:
            raise Failed(f"post-install: {checked.stderr.decode()}")
        self.process = Process(["/usr/lib/postfix/sbin/master", "-c", etc, "-d"],
                               self.directory / "log" / "master.err",
                               env=self._environment())
        wait_for(lambda: "daemon started" in self.log(), 20,
                 lambda: self.log() + self.process.output())

    def _environment(self):
        etc = str(self.directory / "etc")
        return {"MAIL_CONFIG": etc, "config_directory": etc, "daemon_directory":
                "/usr/lib/postfix/sbin", "command_directory": "/usr/sbin",
                "queue_directory": str(self.directory / "queue"), "mail_owner": "postfix",
                "data_directory": str(self.directory / "data"), "setgid_group": "postdrop",
                "meta_directory": "/etc/postfix", "shlib_directory": "/usr/lib/postfix"}

    def access(self, **local_parts):
        """Says what becomes of recipients, e.g. u9="450 4.7.1 come back later"."""
        lines = "".join(f"/^{who}@/ {what}\n" for who, what in local_parts.items())
        self._write("access", lines)
        subprocess.run(["/usr/sbin/postfix", "-c", self.directory / "etc", "reload"], check=True,
                       timeout=20, capture_output=True)

    def mails(self, user):
        """What was delivered to a user, oldest first, as email.message.EmailMessage."""
        box = self.directory / "mail" / user / "new"
        files = sorted(box.iterdir(), key=lambda path: path.stat().st_mtime_ns) \
            if box.is_dir() else []
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                for path in files]

    def mail(self, user, count=1, seconds=20):
        """Waits for so many mails to a user; all of them."""
        return wait_for(lambda: (lambda m: len(m) >= count and m)(self.mails(user)), seconds,
                        lambda: self.log()[-3000:])

    def mail_about(self, user, subject):
        """Waits for a mail to a user with this subject."""
        return wait_for(lambda: next((one for one in self.mails(user)
                                      if one["subject"] == subject), None),
                        what=lambda: self.log()[-3000:])

    def log(self):
        """Its mail log."""
        path = self.directory / "log" / "maillog"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self):
        """Ends the master, which ends its children."""
        if self.process is not None:
            self.process.child.terminate()
            self.process.stop()


class Sink:
    """smtp-sink with the options of its manual page, on a port of its own."""

    def __init__(self, directory, *options, name="sink"):
        self.port = free_port()
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        nobody = pwd.getpwuid(65534)
        _open_up(pathlib.Path(directory))
        os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)
        self.process = Process(["/usr/sbin/smtp-sink", "-u", nobody.pw_name, "-d",
                                f"{self.directory}/%Y.", *options, f"127.0.0.1:{self.port}", "100"],
                               self.directory.with_suffix(".err"))
        wait_for(self._open, 10, self.process.output)

    def _open(self):
        import socket
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def mails(self):
        """The files that it wrote, one a message; a dropped one is there as far as it came."""
        return [path.read_bytes() for path in sorted(self.directory.iterdir())]

    def stop(self):
        """Ends it by pid."""
        self.process.child.terminate()
        self.process.stop()


def _open_up(directory):
    """Lets other users pass through a private temporary directory, not list it."""
    directory.chmod(directory.stat().st_mode | 0o011)


def main():
    """Starts one and waits, for a look by hand."""
    import tempfile

    import pki
    with tempfile.TemporaryDirectory() as directory:
        server = Postfix(directory, pki.Pki(directory))
        print(server.directory, server.port, server.submission, flush=True)
        time.sleep(600)


if __name__ == "__main__":
    main()
