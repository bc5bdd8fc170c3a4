import { basename, resolve } from "node:path";
import type { Command } from "commander";
import type { Session } from "../session.ts";

const INSTALLED = "/usr/local/bin/icebreaker";
const STOP_MARGIN_SECONDS = 15; // past shutdown.deadline, before systemd kills

/** `icebreaker systemd`: the hardened unit file. */
export function systemdCommand(program: Command, session: Session): void {
  program
    .command("systemd")
    .description("print a hardened systemd unit")
    .action((_options: object, command: Command) => {
      const { settings } = session.load(command);
      const { config } = command.optsWithGlobals<{ config?: string }>();
      const { executable } = session.world;
      session.world.stdout.write(
        unit({
          executable: basename(executable).startsWith("icebreaker") ? executable : INSTALLED,
          config: config && resolve(session.world.cwd, config),
          stopSeconds: settings.shutdown.deadline + STOP_MARGIN_SECONDS,
        }),
      );
    });
}

/** What differs from one installation to another. */
interface Installation {
  readonly executable: string;
  /** Absolute; `undefined` for the usual one. */
  readonly config: string | undefined;
  readonly stopSeconds: number;
}

/**
 * What the process may do: no more than it needs. Threads that relay ask to be woken promptly (`sched_setattr`).
 *
 * No MemoryDenyWriteExecute= and no LimitAS=: the runtime compiles at run time, and the fast path needs that.
 * The capability belongs to the unit and never to the file, which would lend it to whoever starts it.
 */
const HARDENING = `\
DynamicUser=yes
StateDirectory=icebreaker
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallFilter=sched_setattr
UMask=0077
LimitNOFILE=200000
UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN BUN_INSPECT NODE_OPTIONS`;

const unit = ({ executable, config, stopSeconds }: Installation): string => `\
# /etc/systemd/system/icebreaker.service
#   systemctl daemon-reload && systemctl enable --now icebreaker
# The settings stand in ${config ?? "/etc/icebreaker/icebreaker.toml; without that file the defaults hold"}.

[Unit]
Description=icebreaker, a TURN and STUN gateway
Documentation=man:systemd.exec(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart=${executable} serve${config === undefined ? "" : ` --config ${config}`}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=1
KillMode=mixed
TimeoutStopSec=${stopSeconds}

# Our user may not read what is root's. A certificate's key: let the renewal copy both files for a group of its own, and they
# are taken up as they change.
#SupplementaryGroups=icebreaker-tls
# Any secret: systemd reads it at each start and hands it over.
#LoadCredential=jwt-secret:/etc/icebreaker/jwt-secret
#Environment=ICEBREAKER_AUTH_JWT_SECRET_FILE=jwt-secret

${HARDENING}

[Install]
WantedBy=multi-user.target
`;
