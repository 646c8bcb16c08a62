package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

type serving struct {
	node.Config
	drain     time.Duration
	logLevel  slog.Level
	level     *slog.LevelVar // logLevel as the logger goes by it, which can change
	logJSON   bool
	cert, key string // files
	ca        string

	memory int64 // zero: a share of the machine's
	asked  node.MemoryAsked
}

// table is every setting of serve, in the order of its help.
func table() []setting {
	return slices.Concat(whoSettings(), whereSettings(), ruleSettings(), diskSettings(), conditionSettings(), accessSettings(), otherSettings())
}

func into(at func(*serving) *string) func(*serving, []string) error {
	return func(c *serving, v []string) error {
		*at(c) = v[0]
		return nil
	}
}

func lasting(at func(*serving) *time.Duration) func(*serving, []string) error {
	return func(c *serving, v []string) (err error) {
		if *at(c), err = time.ParseDuration(v[0]); err == nil && *at(c) < 0 {
			err = errors.New("it is below zero")
		}
		return err
	}
}

func truth(at func(*serving) *bool) func(*serving, []string) error {
	return func(c *serving, v []string) (err error) {
		*at(c), err = strconv.ParseBool(v[0])
		return err
	}
}

func whoSettings() []setting {
	return []setting{
		{name: "config", usage: "read settings from the YAML `FILE`", apply: func(*serving, []string) error { return nil }},
		{name: "node", value: hostname(), usage: "this leader's `NAME`, unique in the cluster and the same after each start", apply: into(func(c *serving) *string { return &c.Name })},
		{name: "cluster", value: "kvd", usage: "only leaders of the same cluster `NAME` meet", apply: into(func(c *serving) *string { return &c.Cluster })},
		{name: "join", kind: list, usage: "meet the cluster at this gossip `ADDRESS` (repeatable, or several with commas)", apply: func(c *serving, v []string) error { c.Join = v; return nil }},
		{name: "serve-damaged", kind: toggle, value: "false", usage: "serve clients although ops that a damaged store has lost are still to come from other leaders; without it they are answered LOADING until then", apply: truth(func(c *serving) *bool { return &c.ServeDamaged })},
		{name: "serve-while-joining", kind: toggle, value: "false", usage: "serve clients although this leader has no data yet and others may have; without it they are answered LOADING until it has what the others had", apply: truth(func(c *serving) *bool { return &c.ServeWhileJoining })},
	}
}

// hostname is the machine's, as far as it can be a leader's name.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "n1"
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}

func whereSettings() []setting {
	d := node.Defaults().Addrs
	return []setting{
		{name: "resp-addr", value: d.RESP, usage: "serve the Redis protocol at `ADDRESS`", apply: into(func(c *serving) *string { return &c.Addrs.RESP })},
		{name: "http-addr", value: d.HTTP, usage: "serve health, status and metrics at `ADDRESS`", apply: into(func(c *serving) *string { return &c.Addrs.HTTP })},
		{name: "peer-addr", value: d.Peer, usage: "let other leaders connect at `ADDRESS`", apply: into(func(c *serving) *string { return &c.Addrs.Peer })},
		{name: "gossip-addr", value: d.Gossip, usage: "gossip about membership at `ADDRESS`, TCP and UDP", apply: into(func(c *serving) *string { return &c.Addrs.Gossip })},
		{name: "gossip-pace", value: paceLAN, usage: "gossip as fast as suits leaders on several machines (lan), or all on one (local), which find out sooner who is there: `PACE`", apply: applyPace},
		{name: "advertise-host", usage: "tell others this `HOST` with each port; needed when listening on 0.0.0.0", apply: into(func(c *serving) *string { return &c.Host })},
		{name: "advertise-resp", usage: "tell others this RESP `ADDRESS`", apply: into(func(c *serving) *string { return &c.Advertise.RESP })},
		{name: "advertise-http", usage: "tell others this HTTP `ADDRESS`", apply: into(func(c *serving) *string { return &c.Advertise.HTTP })},
		{name: "advertise-peer", usage: "tell others this peer `ADDRESS`", apply: into(func(c *serving) *string { return &c.Advertise.Peer })},
		{name: "advertise-gossip", usage: "tell others this gossip `ADDRESS`", apply: into(func(c *serving) *string { return &c.Advertise.Gossip })},
	}
}

// Values of gossip-pace.
const (
	paceLAN   = "lan"
	paceLocal = "local"
)

func applyPace(c *serving, v []string) error {
	c.Profile = node.GossipLAN
	if v[0] == paceLocal {
		c.Profile = node.GossipLocal
	}
	return cliutil.OneOf(v[0], paceLAN, paceLocal)
}

func ruleSettings() []setting {
	names := strings.Join(node.Resolvers(), ", ")
	return []setting{
		{name: "resolver", value: node.DefaultResolver.String(), apply: applyResolver,
			usage: "serve keys by `NAME`: " + names + ". The default never loses a write to one whose author had seen it, whatever the clocks say, and shows one value; lww is what others do"},
		{name: "policy", kind: list, split: rules, apply: applyPolicy, usage: "serve keys that begin with a prefix otherwise: `PREFIX=RESOLVER` (repeatable, or several with commas); the same at every leader. PREFIX=RESOLVER,read=pick lets a plain GET of several values show one; PREFIX=RESOLVER,acks=N answers a write when N leaders durably hold it; PREFIX=interval,commit-wait answers a write once its stamp is surely past, after twice the error that the clock claims; PREFIX=lww,doomed=accept|refuse|lift (lamport, hlc and interval too) says what becomes of a write whose stamp loses already where it is accepted: it is acknowledged and lost, refused, or stamped just above what beats it; a comma in a prefix is written \\,"},
		{name: "acks", value: "1", apply: applyAcks, usage: "answer a write when `N` leaders, this one included, durably hold it, unless its prefix says otherwise; the same at every leader"},
		{name: "acks-timeout", value: node.Defaults().AcksTimeout.String(), usage: "wait for other leaders, if so many are asked for, and for stamps to be past under commit-wait, for `DURATION`; then the answer is that the outcome is unknown", apply: lasting(func(c *serving) *time.Duration { return &c.AcksTimeout })},
		{name: "shadow", value: "none", apply: applyShadow, usage: "resolvers that only watch and record what they would have lost: all, none or a `LIST`"},
		{name: "max-drift", value: "500ms", usage: "do not follow hybrid stamps further ahead than `DURATION`", apply: lasting(func(c *serving) *time.Duration { return &c.MaxDrift })},
		{name: "max-siblings", value: strconv.Itoa(node.Defaults().MaxSiblings), apply: countOf(func(c *serving) *int { return &c.MaxSiblings }),
			usage: "let a client's write leave at most `N` versions of a key side by side: one that was shown too few of them is refused"},
		{name: "clock", value: "auto", usage: "ask `SOURCE` how right this machine's clock is: " + node.ClockKinds + ". auto is the first of clockbound, chrony and kernel that answers", apply: func(c *serving, v []string) error { c.ClockSources = v[0]; return nil }},
		{name: "quarantine", value: "stamps", apply: func(c *serving, v []string) error { return c.SetQuarantine(v[0]) }, usage: "when most members place true time outside of what this leader's clock claims, refuse writes of keys whose resolver compares wall clocks (stamps: lww, hlc, interval), of every key (all), or only say so (warn): `WHAT`"},
		{name: "quarantine-beyond", value: node.Defaults().Quarantine.Beyond.String(), usage: "and do so when the clock is outside by more than `DURATION`; keys that interval serves are refused at once, since that rule rests on the claim", apply: lasting(func(c *serving) *time.Duration { return &c.Quarantine.Beyond })},
		{name: "clock-error", value: "10ms", usage: "claim that this machine's clock is right within `DURATION` as long as no source has answered; what is added to the kernel's word", apply: lasting(func(c *serving) *time.Duration { return &c.ClockError })},
	}
}

func applyResolver(c *serving, v []string) (err error) {
	c.Policy.Default, err = readResolver(v[0])
	return err
}

func applyAcks(c *serving, v []string) error {
	n, err := readAcks(v[0])
	if n > 1 { // one is what nobody need say
		c.Policy.Acks = n
	}
	return err
}

func applyShadow(c *serving, v []string) error {
	switch v[0] {
	case "none":
		return nil
	case "all":
		c.Policy.Shadows = node.AllResolvers
		return nil
	}
	for _, name := range commas(v[0]) {
		id, err := readResolver(name)
		if err != nil {
			return err
		}
		c.Policy.Shadows |= id.Mask()
	}
	return nil
}

func diskSettings() []setting {
	keep, history := node.DefaultRetention(), node.DefaultHistory()
	return []setting{
		{name: "data-dir", value: "kvd-data", usage: "keep data below `DIR`", apply: into(func(c *serving) *string { return &c.Dir })},
		{name: "state-dir", value: "auto", apply: applyStateDir,
			usage: "keep in `DIR`, outside of the data directory, what tells that from copies and old backups of it, so that a restart goes on with its origin; auto: " + stateDirs + "; none: within the data directory, and a restart goes on only if all other leaders can be asked"},
		{name: "sync", value: node.DefaultSync.String(), usage: "acknowledge when it is on disk (always), or before: interval, never: `WHEN`", apply: applySync},
		{name: "sync-interval", value: node.DefaultSyncInterval.String(), usage: "with --sync interval: lose at most `DURATION`", apply: lasting(func(c *serving) *time.Duration { return &c.Storage.Interval })},
		{name: "memory", value: auto, usage: "take `N` bytes of memory in all, for objects, the store, clients, peers and their work; at least 268435456. auto: a quarter of the machine's, or of what the control group leaves of it", apply: orAuto(func(c *serving) *int64 { return &c.memory })},
		{name: "cache-bytes", value: auto, usage: "of --memory, keep `N` bytes of objects in memory, and as many of the store's blocks; auto: what all else leaves", apply: orAuto(func(c *serving) *int64 { return &c.asked.Objects })},
		{name: "ledger", value: "on", apply: applyLedger, usage: "keep a ledger of lost writes: on or off, `WHETHER`. Without one, questions about them are refused; it is there to measure what the ledger costs"},
		{name: "ledger-bytes", value: strconv.FormatInt(keep.Bytes, 10), usage: "let the ledger of lost writes take `N` bytes of disk, then give up its oldest rows and count them; 0: no bound", apply: counting(func(c *serving) *int64 { return &c.Storage.Ledger.Bytes })},
		{name: "ledger-age", value: keep.Age.String(), usage: "give up rows of the ledger after `DURATION`, and count them; 0: never", apply: lasting(func(c *serving) *time.Duration { return &c.Storage.Ledger.Age })},
		{name: "history-bytes", value: strconv.FormatInt(history.Bytes, 10), usage: "remove from the log what every leader has, beyond the newest `N` bytes; 0: no bound", apply: counting(func(c *serving) *int64 { return &c.Storage.History.Bytes })},
		{name: "history-age", value: "0s", usage: "remove from the log what every leader has and was written longer than `DURATION` ago; 0: no bound", apply: lasting(func(c *serving) *time.Duration { return &c.Storage.History.Age })},
		{name: "history-pinned", value: strconv.FormatInt(history.Pinned, 10), usage: "keep for leaders that are away, or slow, the newest `N` bytes of the log at most; 0: no bound. One that needs more gets the state of another leader when it is back", apply: counting(func(c *serving) *int64 { return &c.Storage.History.Pinned })},
		{name: "ledger-value", value: strconv.Itoa(keep.Value), usage: "keep the first `N` bytes of a lost value in the ledger, for when the log no longer has it", apply: counting(func(c *serving) *int { return &c.Storage.Ledger.Value })},
	}
}

// conditionSettings say when the disk counts as full or slow, how it is read for damage, and
// how often what it holds is compared with the other leaders.
func conditionSettings() []setting {
	d, r := node.DefaultDiskLimits(), node.Defaults().Storage.Repair
	return []setting{
		{name: "min-free", value: autoMinFree, apply: applyMinFree,
			usage: "take no writes of clients while less than `N` bytes of the disk are free, and no ops of other leaders below half of that; reads go on, and so do writes once there is room. auto: 2 % of the disk, 256 MiB at most; 0: until the disk is full"},
		{name: "slow-disk", value: d.SlowAfter.String(), usage: "say that this leader is not ready when a write or sync of a file takes `DURATION`; 0: never", apply: lasting(func(c *serving) *time.Duration { return &c.Storage.Limits.SlowAfter })},
		{name: "scrub-every", value: d.ScrubEvery.String(), usage: "read all of the store every `DURATION`, to find damage before it is needed; 0: never", apply: lasting(func(c *serving) *time.Duration { return &c.Storage.Limits.ScrubEvery })},
		{name: "scrub-rate", value: strconv.FormatInt(d.ScrubRate, 10), usage: "and no faster than `N` bytes a second; 0: as fast as the disk is", apply: counting(func(c *serving) *int64 { return &c.Storage.Limits.ScrubRate })},
		{name: "repair-every", value: r.Every.String(), usage: "compare all keys with the other leaders every `DURATION`, and mend what is wrong here; 0: when somebody asks for it", apply: lasting(func(c *serving) *time.Duration { return &c.Storage.Repair.Every })},
		{name: "repair-rate", value: strconv.FormatInt(r.Rate, 10), usage: "and read no more than `N` bytes a second for it; 0: as fast as the disk is", apply: counting(func(c *serving) *int64 { return &c.Storage.Repair.Rate })},
	}
}

const auto, autoMinFree = "auto", "auto"

// orAuto reads a number of bytes, at least one, or leaves it zero for auto.
func orAuto(at func(*serving) *int64) func(*serving, []string) error {
	return func(c *serving, v []string) error {
		if v[0] == auto {
			return nil
		}
		err := counting(at)(c, v)
		switch {
		case err != nil:
			return fmt.Errorf("%w; or %s", err, auto)
		case *at(c) == 0:
			return errors.New("nothing works with no memory at all; give a number of bytes, or " + auto)
		}
		return nil
	}
}

func applyMinFree(c *serving, v []string) error {
	if v[0] == autoMinFree {
		c.Storage.Limits.MinFree = node.AutoMinFree
		return nil
	}
	if err := counting(func(c *serving) *int64 { return &c.Storage.Limits.MinFree })(c, v); err != nil {
		return fmt.Errorf("%w; or %s", err, autoMinFree)
	}
	return nil
}

func applySync(c *serving, v []string) (err error) {
	if err = c.SetSync(v[0]); err != nil {
		err = cliutil.OneOf(v[0], node.Syncs()...)
	}
	return err
}

// counting reads a number of bytes, or of KiB, MiB and so on.
func counting[N int | int64](at func(*serving) *N) func(*serving, []string) error {
	return func(c *serving, v []string) error {
		n, err := cliutil.Bytes(v[0])
		if err == nil && int64(N(n)) != n {
			err = fmt.Errorf("%s are more than this machine can count", v[0])
		}
		if err == nil {
			*at(c) = N(n)
		}
		return err
	}
}

// countOf reads a number of things.
func countOf(at func(*serving) *int) func(*serving, []string) error {
	return func(c *serving, v []string) (err error) {
		if *at(c), err = strconv.Atoi(v[0]); err != nil {
			return errors.New("it takes a whole number, as in 100")
		}
		return nil
	}
}

// stateDirs is how autoStateDir chooses, for the help.
const stateDirs = "$XDG_STATE_HOME/kvd, else /var/lib/kvd-state for root, else ~/.local/state/kvd"

func applyStateDir(c *serving, v []string) error {
	switch v[0] {
	case "auto":
		c.StateDir = autoStateDir()
	case "none":
		c.StateDir = ""
	default:
		c.StateDir = v[0]
	}
	return nil
}

// autoStateDir is where this user keeps state; empty: nowhere.
func autoStateDir() string {
	home, err := os.UserHomeDir()
	switch xdg := os.Getenv("XDG_STATE_HOME"); {
	case filepath.IsAbs(xdg):
		return filepath.Join(xdg, "kvd")
	case os.Geteuid() == 0:
		return "/var/lib/kvd-state"
	case err != nil:
		return ""
	}
	return filepath.Join(home, ".local", "state", "kvd")
}

func applyLedger(c *serving, v []string) error {
	c.Storage.NoLedger = v[0] == "off"
	return cliutil.OneOf(v[0], "on", "off")
}

func accessSettings() []setting {
	return []setting{
		{name: "users-file", usage: "let in only the users of `FILE`, lines of name:hash:roles:prefixes (kvd passwd). Roles are read, write and admin; without roles all of them, without prefixes on every key", apply: applyUsers},
		{name: "gossip-key-file", usage: "encrypt gossip with the key in `FILE`, base64 of 16, 24 or 32 bytes", apply: applyGossipKey},
		{name: "tls-cert", usage: "speak TLS with the certificate in the PEM `FILE`", apply: into(func(c *serving) *string { return &c.cert })},
		{name: "tls-key", usage: "its key: a PEM `FILE`", apply: into(func(c *serving) *string { return &c.key })},
		{name: "tls-ca", usage: "the authority that signed all leaders' certificates: a PEM `FILE`", apply: into(func(c *serving) *string { return &c.ca })},
		{name: "client-memory", value: auto, apply: orAuto(func(c *serving) *int64 { return &c.asked.Clients }),
			usage: "of --memory, let all clients' requests, and replies they have not taken, use `N` bytes of memory together: who needs more waits, who holds much and does not go on is cut. auto: a quarter of it, 256 MiB at most"},
		{name: "insecure", kind: toggle, value: "false", usage: "let other machines in without passwords and TLS", apply: truth(func(c *serving) *bool { return &c.Insecure })},
	}
}

func otherSettings() []setting {
	return []setting{
		{name: "drain-timeout", value: "10s", usage: "when stopping, wait at most `DURATION` until others have what only this leader has", apply: lasting(func(c *serving) *time.Duration { return &c.drain })},
		{name: "log-level", value: "info", usage: "debug, info, warn or error: `LEVEL`", apply: func(c *serving, v []string) error { return readLevel(&c.logLevel, v[0]) }},
		{name: "log-format", value: "text", usage: "text or json: `FORMAT`", apply: applyLogFormat},
		{name: "unsafe-faults", kind: toggle, value: "false", usage: "answer KVD.FAULT, for experiments", apply: truth(func(c *serving) *bool { return &c.UnsafeFaults })},
	}
}

// readLevel reads a level's name, in any case, or one a little above or below, as
// in warn+2.
func readLevel(level *slog.Level, text string) error {
	if level.UnmarshalText([]byte(text)) == nil {
		return nil
	}
	return cliutil.OneOf(text, "debug", "info", "warn", "error")
}

func applyLogFormat(c *serving, v []string) error {
	c.logJSON = v[0] == "json"
	return cliutil.OneOf(v[0], "text", "json")
}

func applyUsers(c *serving, v []string) error {
	if v[0] == "" {
		return nil
	}
	f, err := os.Open(v[0])
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.ReadUsers(f); err != nil {
		return fmt.Errorf("%s: %w", v[0], err)
	}
	return nil
}

func applyGossipKey(c *serving, v []string) error {
	if v[0] == "" {
		return nil
	}
	text, err := os.ReadFile(v[0])
	if err != nil {
		return err
	}
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != 16 && len(key) != 24 && len(key) != 32 {
		return fmt.Errorf("%s holds no base64 of 16, 24 or 32 bytes; head -c 32 /dev/urandom | base64 makes one", v[0])
	}
	c.GossipKey = key
	return nil
}

// loadTLS reads the three files, which go together.
func (c *serving) loadTLS() (err error) {
	if c.cert == "" && c.key == "" && c.ca == "" {
		return nil
	}
	if c.cert == "" || c.key == "" || c.ca == "" {
		return errors.New("--tls-cert, --tls-key and --tls-ca go together; give all three or none")
	}
	c.TLS, err = node.LoadTLS(c.cert, c.key, c.ca)
	return err
}
