//! Who a live capture runs as, and what it may still do. Not whether capturing is allowed: that is
//! [`crate::capture::live::allowed`].
//!
//! In this order, because each step needs what the next one takes away: the interfaces are opened (root or CAP_NET_RAW), the
//! process becomes the user who called sudo or `--user` ([`drop_to`]; before any file is made, so that files are that
//! user's, and nothing of root's can be overwritten), files and folders are opened or made, and then the process is closed
//! in ([`confine`]). No thread may run before that: no new privileges, Landlock and seccomp hold for the thread that asks
//! and for those that it starts.
//!
//! Who is root without sudo and without `--user` stays root. Landlock and seccomp are what the kernel has of them; that one
//! has neither is no error. [`Confinement`] says what holds.
use std::{fmt, path::PathBuf};

use super::exit::Failure;

/// What a confined process may still open.
#[derive(Debug, Default)]
pub struct Places {
    /// Files and folders that are read as the run goes on.
    pub read: Vec<PathBuf>,
    /// Folders in which files are made, written, renamed and removed.
    pub write: Vec<PathBuf>,
}

/// What holds of a process that was closed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// No program that it runs can gain rights (and it can run none, with seccomp).
    pub no_new_privileges: bool,
    /// Files beyond [`Places`] cannot be opened.
    pub landlock: bool,
    /// System calls that a capture has no use for are refused.
    pub seccomp: bool,
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [(self.no_new_privileges, "no new privileges"), (self.landlock, "landlock"), (self.seccomp, "seccomp")];
        let held: Vec<&str> = parts.into_iter().filter_map(|(holds, name)| holds.then_some(name)).collect();
        f.write_str(if held.is_empty() { "not confined" } else { "" })?;
        f.write_str(&held.join(", "))
    }
}

#[cfg(target_os = "linux")]
pub use linux::{Identity, confine, drop_to, user};

#[cfg(target_os = "linux")]
mod linux {
    use std::{collections::BTreeMap, ffi::CString, path::Path};

    use caps::CapSet;
    use landlock::{
        ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, path_beneath_rules,
    };
    use nix::{
        sys::prctl,
        unistd::{Gid, Uid, User, getresgid, getresuid, initgroups, setgroups, setresgid, setresuid},
    };
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

    use super::{Confinement, Failure, Places};

    /// A user to become.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Identity {
        /// The name, where there is one.
        pub name: Option<String>,
        uid: Uid,
        gid: Gid,
    }

    impl Identity {
        /// The name, or the number.
        #[must_use]
        pub fn title(&self) -> String {
            self.name.clone().unwrap_or_else(|| self.uid.to_string())
        }
    }

    /// Who to become: `--user`, or who called sudo. None: who this is already.
    ///
    /// # Errors
    /// There is no such user, or only root could become that one.
    pub fn user(asked: Option<&str>) -> Result<Option<Identity>, Failure> {
        let is_root = Uid::effective().is_root();
        let Some(asked) = asked else {
            let variable = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
            let caller = variable("SUDO_UID").zip(variable("SUDO_GID")).filter(|(uid, _)| is_root && *uid != 0);
            return Ok(caller.map(|(uid, gid)| {
                let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
                Identity { name: User::from_uid(uid).ok().flatten().map(|user| user.name), uid, gid }
            }));
        };
        let found = User::from_name(asked)
            .map_err(|error| Failure::Usage(format!("--user {asked}: the users cannot be read: {error}")))?;
        let Some(User { name, uid, gid, .. }) = found else {
            return Err(Failure::Usage(format!("--user {asked}: there is no such user on this machine")));
        };
        if uid == Uid::effective() {
            return Ok(None);
        }
        if !is_root {
            return Err(Failure::Usage(format!(
                "--user {asked}: only root can become another user; leave it out, or begin with sudo"
            )));
        }
        Ok(Some(Identity { name: Some(name), uid, gid }))
    }

    /// Becomes `identity` for good, with its groups; without one gives up the capabilities that this process was given
    /// beyond its user's (setcap), unless it is root.
    ///
    /// # Errors
    /// It did not work: then the run must end.
    pub fn drop_to(identity: Option<&Identity>) -> Result<(), Failure> {
        let Some(Identity { name, uid, gid }) = identity else {
            return if Uid::effective().is_root() { Ok(()) } else { give_up_capabilities() };
        };
        let failed = |what: &str, error: nix::Error| Failure::Capture(format!("cannot give up root ({what}): {error}"));
        match name.as_deref().and_then(|name| CString::new(name).ok()) {
            Some(name) => initgroups(&name, *gid).map_err(|error| failed("groups", error))?,
            None => setgroups(&[*gid]).map_err(|error| failed("groups", error))?,
        }
        setresgid(*gid, *gid, *gid).map_err(|error| failed("group", error))?;
        setresuid(*uid, *uid, *uid).map_err(|error| failed("user", error))?;
        give_up_capabilities()?;
        // What is believed to be so is looked at.
        let kept = |what: &str| Failure::Capture(format!("root was not given up: {what}"));
        let users = getresuid().map_err(|error| failed("user", error))?;
        let groups = getresgid().map_err(|error| failed("group", error))?;
        if [users.real, users.effective, users.saved].iter().any(|id| id != uid) {
            return Err(kept("the user is another one"));
        }
        if [groups.real, groups.effective, groups.saved].iter().any(|id| id != gid) {
            return Err(kept("the group is another one"));
        }
        let root = Uid::from_raw(0);
        if !uid.is_root() && (setresuid(root, root, root).is_ok() || nix::unistd::seteuid(root).is_ok()) {
            return Err(kept("it could be had again"));
        }
        Ok(())
    }

    fn give_up_capabilities() -> Result<(), Failure> {
        let failed = |error: caps::errors::CapsError| Failure::Capture(format!("cannot give up capabilities: {error}"));
        // A kernel older than 4.3 has no ambient ones.
        let _ = caps::clear(None, CapSet::Ambient);
        for set in [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
            caps::clear(None, set).map_err(failed)?;
        }
        let left = caps::read(None, CapSet::Permitted).map_err(failed)?;
        if left.is_empty() { Ok(()) } else { Err(Failure::Capture("capabilities were not given up".to_owned())) }
    }

    /// Closes this process in. To be called when all is open and no thread runs.
    #[must_use]
    pub fn confine(places: &Places) -> Confinement {
        // Landlock and seccomp can be had without privileges only with this.
        let no_new_privileges = prctl::set_no_new_privs().is_ok();
        if !no_new_privileges {
            return Confinement::default();
        }
        Confinement { no_new_privileges, landlock: restrict_files(places).unwrap_or(false), seccomp: restrict_calls() }
    }

    /// What a run reads whatever it was asked: counters and states of interfaces, time zones.
    const ALWAYS_READ: [&str; 4] = ["/sys", "/etc/localtime", "/usr/share/zoneinfo", "/proc/self"];
    /// And what a screen needs.
    const ALWAYS_WRITTEN: [&str; 2] = ["/dev/tty", "/dev/null"];

    fn restrict_files(places: &Places) -> Result<bool, landlock::RulesetError> {
        // Of this version; an older kernel keeps those rules that it knows.
        let abi = ABI::V5;
        let all = AccessFs::from_all(abi);
        let write = all & !AccessFs::Execute;
        let written = ALWAYS_WRITTEN.iter().map(Path::new).chain(places.write.iter().map(AsRef::as_ref));
        let read = ALWAYS_READ.iter().map(Path::new).chain(places.read.iter().map(AsRef::as_ref));
        let status = Ruleset::default()
            .handle_access(all)?
            .handle_access(AccessNet::from_all(abi))?
            .create()?
            .add_rules(path_beneath_rules(read, AccessFs::ReadFile | AccessFs::ReadDir))?
            .add_rules(path_beneath_rules(written, write))?
            .restrict_self()?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }

    fn restrict_calls() -> bool {
        let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else { return false };
        let refused: BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
            refused_calls().into_iter().map(|call| (call, Vec::new())).collect();
        let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let filter = SeccompFilter::new(refused, SeccompAction::Allow, refuse, arch);
        let program: Result<BpfProgram, _> = filter.and_then(TryInto::try_into);
        program.is_ok_and(|program| apply_filter(&program).is_ok())
    }

    /// System calls that a capture with all handles open has no use for. A list of what is refused, not of what is allowed:
    /// what libc, the allocator and threads call differs between systems, and a run must not die of it.
    fn refused_calls() -> Vec<i64> {
        vec![
            // Other programs, and their memory.
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_process_madvise,
            libc::SYS_pidfd_getfd,
            libc::SYS_kcmp,
            // Connections of its own.
            libc::SYS_socket,
            libc::SYS_bind,
            libc::SYS_connect,
            libc::SYS_listen,
            libc::SYS_accept,
            libc::SYS_accept4,
            // Another way to do what is refused here.
            libc::SYS_io_uring_setup,
            libc::SYS_io_uring_enter,
            libc::SYS_io_uring_register,
            // File systems and what processes see of them.
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_pivot_root,
            libc::SYS_chroot,
            libc::SYS_open_tree,
            libc::SYS_move_mount,
            libc::SYS_fsopen,
            libc::SYS_fsconfig,
            libc::SYS_fsmount,
            libc::SYS_fspick,
            libc::SYS_mount_setattr,
            libc::SYS_open_by_handle_at,
            libc::SYS_mknodat,
            libc::SYS_swapon,
            libc::SYS_swapoff,
            libc::SYS_quotactl,
            libc::SYS_acct,
            libc::SYS_unshare,
            libc::SYS_setns,
            // The kernel.
            libc::SYS_bpf,
            libc::SYS_perf_event_open,
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_delete_module,
            libc::SYS_kexec_load,
            libc::SYS_kexec_file_load,
            libc::SYS_reboot,
            libc::SYS_syslog,
            libc::SYS_userfaultfd,
            libc::SYS_personality,
            // Keys, clocks, names.
            libc::SYS_add_key,
            libc::SYS_request_key,
            libc::SYS_keyctl,
            libc::SYS_settimeofday,
            libc::SYS_clock_settime,
            libc::SYS_adjtimex,
            libc::SYS_clock_adjtime,
            libc::SYS_sethostname,
            libc::SYS_setdomainname,
            // Who it is.
            libc::SYS_setuid,
            libc::SYS_setgid,
            libc::SYS_setreuid,
            libc::SYS_setregid,
            libc::SYS_setresuid,
            libc::SYS_setresgid,
            libc::SYS_setgroups,
            libc::SYS_setfsuid,
            libc::SYS_setfsgid,
            libc::SYS_capset,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_mknod,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_iopl,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_ioperm,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_modify_ldt,
        ]
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_unknown_user_is_a_mistake() {
            let failure = user(Some("no-such-user-here")).unwrap_err();
            assert!(matches!(&failure, Failure::Usage(why) if why.contains("no-such-user-here")), "{failure}");
        }

        /// On a thread of its own: what it gives up, the other tests keep.
        #[test]
        fn a_confined_thread_opens_what_it_was_given_and_nothing_else() {
            let folder = std::env::temp_dir().join(format!("wireglass-confined-{}", std::process::id()));
            let elsewhere = std::env::temp_dir().join(format!("wireglass-elsewhere-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let (inside, outside) = (folder.join("file"), elsewhere.clone());
            let places = Places { read: Vec::new(), write: vec![folder.clone()] };
            let confined = std::thread::spawn(move || {
                let confinement = confine(&places);
                let written = std::fs::write(&inside, b"x").is_ok();
                let renamed = std::fs::rename(&inside, inside.with_extension("new")).is_ok();
                let escaped = std::fs::write(&outside, b"x").is_ok();
                let connected = std::net::UdpSocket::bind("127.0.0.1:0").is_ok();
                let ran = std::process::Command::new("/bin/true").status().is_ok();
                let threads = std::thread::spawn(|| 1).join().is_ok();
                (confinement, written && renamed && threads, escaped, connected, ran)
            });
            let (confinement, worked, escaped, connected, ran) = confined.join().unwrap();
            std::fs::remove_dir_all(&folder).unwrap();
            let _ = std::fs::remove_file(&elsewhere);
            assert!(worked, "files in its folder, and threads: {confinement}");
            assert!(confinement.no_new_privileges);
            if !confinement.landlock {
                eprintln!("SKIPPED: this kernel has no Landlock");
            }
            assert_eq!(escaped, !confinement.landlock, "{confinement}");
            assert_eq!((connected, ran), (!confinement.seccomp, !confinement.seccomp), "{confinement}");
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Identity, confine, drop_to, user};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Confinement, Failure, Places};

    /// Nobody: other systems' ways of giving up root are not used yet.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Identity {}

    impl Identity {
        /// Never called.
        #[must_use]
        pub fn title(&self) -> String {
            match *self {}
        }
    }

    /// Refuses `--user`.
    ///
    /// # Errors
    /// It was given.
    pub fn user(asked: Option<&str>) -> Result<Option<Identity>, Failure> {
        match asked {
            Some(_) => Err(Failure::Usage("--user is for Linux; here, give yourself access to /dev/bpf*".to_owned())),
            None => Ok(None),
        }
    }

    /// Nothing to do.
    ///
    /// # Errors
    /// Never.
    pub fn drop_to(_: Option<&Identity>) -> Result<(), Failure> {
        Ok(())
    }

    /// Nothing to do.
    #[must_use]
    pub fn confine(_: &Places) -> Confinement {
        Confinement::default()
    }
}
