package server

import (
	"strings"

	"kvd/replica/resp"
)

// familyArity is how many arguments each subcommand takes that Redis knows, as
// command.arity counts them: the family's name and its own with them. What is here
// and unknown to the family's run is refused by that.
var familyArity = map[string]map[string]int{
	"acl": {
		"cat": -2, "deluser": -3, "dryrun": -4, "genpass": -2, "getuser": 3, "help": 2, "list": 2, "load": 2, "log": -2, "save": 2, "setuser": -3,
		"users": 2, "whoami": 2,
	},
	"client": {
		"caching": 3, "getname": 2, "getredir": 2, "help": 2, "id": 2, "info": 2, "kill": -3, "list": -2, "no-evict": 3, "no-touch": 3, "pause": -3,
		"reply": 3, "setinfo": 4, "setname": 3, "tracking": -3, "trackinginfo": 2, "unblock": -3, "unpause": 2,
	},
	"cluster": {
		"addslots": -3, "addslotsrange": -4, "bumpepoch": 2, "count-failure-reports": 3, "countkeysinslot": 3, "delslots": -3, "delslotsrange": -4,
		"failover": -2, "flushslots": 2, "forget": 3, "getkeysinslot": 4, "help": 2, "info": 2, "keyslot": 3, "links": 2, "meet": -4, "myid": 2,
		"myshardid": 2, "nodes": 2, "replicas": 3, "replicate": 3, "reset": -2, "saveconfig": 2, "set-config-epoch": 3, "setslot": -4, "shards": 2,
		"slaves": 3, "slots": 2,
	},
	"command": {"count": 2, "docs": -2, "getkeys": -4, "getkeysandflags": -4, "help": 2, "info": -2, "list": -2},
	"config":  {"get": -3, "help": 2, "resetstat": 2, "rewrite": 2, "set": -4},
	"latency": {"doctor": 2, "graph": 3, "help": 2, "histogram": -2, "history": 3, "latest": 2, "reset": -2},
	"memory":  {"doctor": 2, "help": 2, "malloc-stats": 2, "purge": 2, "stats": 2, "usage": -3},
	"object":  {"encoding": 3, "freq": 3, "help": 2, "idletime": 3, "refcount": 3},
	"pubsub":  {"channels": -2, "help": 2, "numpat": 2, "numsub": -2, "shardchannels": -2, "shardnumsub": -2},
	"script":  {"debug": 3, "exists": -3, "flush": -2, "help": 2, "kill": 2, "load": 3},
	"slowlog": {"get": -2, "help": 2, "len": 2, "reset": 2},
}

// checkSub refuses a subcommand that there is not, or that is given too few or too
// many arguments: before anything else, so that no transaction queues it.
func (k *call) checkSub() error {
	subs := familyArity[k.cmd.name]
	if k.cmd.flags&family == 0 || subs == nil || len(k.args) < 2 {
		return nil
	}
	name := strings.ToLower(string(k.args[1][:min(len(k.args[1]), maxName)]))
	arity, ok := subs[name]
	switch {
	case !ok:
		return k.unknownSub()
	case !(&command{arity: arity}).takes(len(k.args)):
		return resp.WrongArity(k.cmd.name + "|" + name)
	}
	return nil
}

// familyHelp is what HELP answers of the families whose run does not know it: each
// subcommand, and what it does.
var familyHelp = map[string][]string{
	"acl": {"WHOAMI", "    Answers the user's name.", "CAT [<role>]", "    Answers the roles, or the commands that need one."},
	"client": {
		"GETNAME", "    Answers the connection's name.", "ID", "    Answers the connection's number.", "INFO", "    Describes the connection.",
		"KILL <ip:port>|([ID <id>] [TYPE <type>] [ADDR <ip:port>] [USER <name>] [SKIPME yes|no])", "    Closes connections.",
		"LIST [TYPE normal|pubsub|ID <id> ...]", "    Describes connections.", "NO-EVICT, NO-TOUCH (ON|OFF)", "    Accepted: nothing is ever evicted.",
		"SETINFO (LIB-NAME|LIB-VER) <value>", "    Says which client this is.", "SETNAME <name>", "    Names the connection.",
	},
	"command": {
		"(no subcommand)", "    Describes all commands.", "COUNT", "    Answers how many commands there are.", "DOCS [<command> ...]", "    Answers what commands do.",
		"GETKEYS <command> <argument> ...", "    Answers which arguments are keys.", "INFO [<command> ...]", "    Describes commands.", "LIST", "    Answers the commands' names.",
	},
	"config": {"GET <pattern> ...", "    Answers the settings whose names fit."},
	"script": {
		"EXISTS <sha1> ...", "    Answers which scripts are known.", "FLUSH [ASYNC|SYNC]", "    Forgets all scripts.", "LOAD <script>", "    Makes a script known to EVALSHA.",
	},
	"pubsub": {
		"CHANNELS [<pattern>]", "    Answers the channels that somebody listens to.", "NUMPAT", "    Answers how many patterns are listened to.",
		"NUMSUB [<channel> ...]", "    Answers how many listen to each channel.",
	},
}

// helped answers HELP for a family, and leaves the rest to its run.
func helped(name string, run func(*call) error) func(*call) error {
	lines, ok := familyHelp[name]
	if !ok {
		return run
	}
	all := append([]string{strings.ToUpper(name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}, lines...)
	all = append(all, "HELP", "    Prints this help.")
	return func(k *call) error {
		if len(k.args) == 2 && k.is(1, "HELP") {
			k.help(all...)
			return nil
		}
		return run(k)
	}
}
