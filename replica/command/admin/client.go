package admin

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/replica/resp"
	"kvd/replica/resp/server"
)

// maxOptions bounds the arguments of CLIENT LIST and CLIENT TRACKING.
const maxOptions = 1 << 10

const errClientName = resp.Error("ERR Client names cannot contain spaces, newlines or special characters.")

// clientRuns is the subcommands that clients send when they connect, and those that
// operators type. CLIENT TRACKING is refused, and MAINT_NOTIFICATIONS unknown, on purpose:
// clients then go on without.
var clientRuns = server.Runs{
	"id":           func(k *server.Call) error { k.Out.Int(k.Client().ID); return nil },
	"getname":      clientGetName,
	"setname":      clientSetName,
	"setinfo":      clientSetInfo,
	"info":         clientInfo,
	"list":         clientList,
	"kill":         clientKill,
	"tracking":     clientTracking,
	"trackinginfo": clientTrackingInfo,
	"getredir":     func(k *server.Call) error { k.Out.Int(-1); return nil },
	"caching": func(*server.Call) error {
		return resp.Error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
	},
	"no-evict": clientSwitch,
	"no-touch": clientSwitch,
}

func clientGetName(k *server.Call) error {
	if name := k.Client().Name; name != "" {
		k.Out.Text(name)
	} else {
		k.Out.Null()
	}
	return nil
}

func clientSetName(k *server.Call) error {
	if !properName(k.Args[2]) {
		return errClientName
	}
	k.Describe(func(c *server.Client) { c.Name = string(k.Args[2]) })
	return k.OK()
}

func clientSetInfo(k *server.Call) error {
	lib, ver := k.Is(2, "LIB-NAME"), k.Is(2, "LIB-VER")
	if !lib && !ver {
		return resp.Error("ERR Unrecognized option '" + string(k.Args[2]) + "'")
	}
	if !properName(k.Args[3]) || len(k.Args[3]) > 256 {
		return resp.Error("ERR " + strings.ToLower(string(k.Args[2])) + " cannot contain spaces, newlines or special characters.")
	}
	k.Describe(func(c *server.Client) {
		if lib {
			c.Library = string(k.Args[3])
		} else {
			c.LibraryVersion = string(k.Args[3])
		}
	})
	return k.OK()
}

// clientSwitch accepts ON and OFF: nothing is ever evicted here for a client.
func clientSwitch(k *server.Call) error {
	if !k.Is(2, "ON") && !k.Is(2, "OFF") {
		return resp.ErrSyntax
	}
	return k.OK()
}

// clientTracking is refused: nobody is told of keys that change, and a cache that
// believed otherwise would be stale for ever. That it is off can be said.
func clientTracking(k *server.Call) error {
	if err := k.AtMost(maxOptions); err != nil {
		return err
	}
	switch {
	case k.Is(2, "OFF"):
		return k.OK()
	case k.Is(2, "ON"):
		return resp.Error("ERR CLIENT TRACKING is not supported: a leader tells nobody which keys change; go on without a client-side cache")
	}
	return resp.ErrSyntax
}

func clientTrackingInfo(k *server.Call) error {
	k.Out.Map(3)
	k.Out.Field("flags").Set(1)
	k.Out.Text("off")
	k.Out.Field("redirect").Int(-1)
	k.Out.Field("prefixes").Array(0)
	return nil
}

func clientInfo(k *server.Call) error {
	k.Out.Lines(clientLine(k, k.Client()) + "\n")
	return nil
}

// clientKind reads argument i, a kind of clients, as the letter that is their flag.
// Of masters and replicas there are none: leaders are no clients of each other.
func clientKind(k *server.Call, i int) (flag string, err error) {
	switch {
	case k.Is(i, "NORMAL"):
		return "N", nil
	case k.Is(i, "PUBSUB"):
		return "P", nil
	case k.Is(i, "MASTER"), k.Is(i, "REPLICA"), k.Is(i, "SLAVE"):
		return "-", nil
	}
	return "", resp.Error("ERR Unknown client type '" + resp.Brief(k.Args[i], len(k.Args[i])) + "'")
}

// clientList lists connections by id: all, those of ID id…, or those of a TYPE.
func clientList(k *server.Call) error {
	if err := k.AtMost(maxOptions); err != nil {
		return err
	}
	var only []int64
	kind := ""
	switch {
	case len(k.Args) == 2:
	case len(k.Args) == 4 && k.Is(2, "TYPE"):
		var err error
		if kind, err = clientKind(k, 3); err != nil {
			return err
		}
	case len(k.Args) > 3 && k.Is(2, "ID"):
		for i := 3; i < len(k.Args); i++ {
			id, err := k.Int(i)
			if err != nil {
				return resp.Error("ERR Invalid client ID")
			}
			only = append(only, id)
		}
	default:
		return resp.ErrSyntax
	}
	var b strings.Builder
	for _, c := range k.Server().Clients() {
		if (only == nil || slices.Contains(only, c.ID)) && strings.HasPrefix(flagsOf(c), kind) {
			b.WriteString(clientLine(k, c) + "\n")
		}
	}
	k.Out.Lines(b.String())
	return nil
}

// clientKill closes connections: CLIENT KILL addr, or with filters ID, TYPE, ADDR,
// USER and SKIPME, all of which must fit.
func clientKill(k *server.Call) error {
	if err := k.AtMost(16); err != nil {
		return err
	}
	if len(k.Args) == 3 {
		if addr := string(k.Args[2]); addr == "" || kill(k, killFilter{addr: addr}) == 0 {
			return resp.Error("ERR No such client")
		}
		return k.OK()
	}
	f, err := parseKill(k)
	if err != nil {
		return err
	}
	k.Out.Int(kill(k, f))
	return nil
}

type killFilter struct {
	id               int64
	kind, addr, user string
	skipMe           bool
}

func parseKill(k *server.Call) (killFilter, error) {
	f := killFilter{skipMe: true}
	for i := 2; i < len(k.Args); i += 2 {
		if i+1 == len(k.Args) {
			return f, resp.ErrSyntax
		}
		switch arg := k.Args[i+1]; {
		case k.Is(i, "ID"):
			id, ok := resp.ParseInt(arg)
			if !ok || id < 1 {
				return f, resp.Error("ERR client-id should be greater than 0")
			}
			f.id = id
		case k.Is(i, "TYPE"):
			var err error
			if f.kind, err = clientKind(k, i+1); err != nil {
				return f, err
			}
		case k.Is(i, "ADDR"):
			f.addr = string(arg)
		case k.Is(i, "USER"):
			f.user = string(arg)
		case k.Is(i, "SKIPME") && (resp.SameWord(arg, "YES") || resp.SameWord(arg, "NO")):
			f.skipMe = resp.SameWord(arg, "YES")
		default:
			return f, resp.ErrSyntax
		}
	}
	return f, nil
}

// kill closes those that fit; the client that asks is still answered.
func kill(k *server.Call, f killFilter) int64 {
	var n int64
	for _, c := range k.Server().Clients() {
		if f.id != 0 && c.ID != f.id || !strings.HasPrefix(flagsOf(c), f.kind) || f.addr != "" && c.Addr != f.addr ||
			f.user != "" && c.User != f.user || f.skipMe && c.Is(k) {
			continue
		}
		c.Close(k)
		n++
	}
	return n
}

func clientLine(k *server.Call, c server.Client) string {
	now := k.Config().Now()
	fields := []string{
		"id=" + strconv.FormatInt(c.ID, 10), "addr=" + c.Addr, "laddr=" + c.LocalAddr, "name=" + c.Name,
		"age=" + seconds(now.Sub(c.Connected)), "idle=" + seconds(now.Sub(c.Active)),
		"flags=" + flagsOf(c), "db=0", fmt.Sprintf("sub=%d", c.Channels), fmt.Sprintf("psub=%d", c.Patterns), "ssub=0",
		fmt.Sprintf("multi=%d", c.Queued), fmt.Sprintf("tot-mem=%d", c.Memory), "events=r", "cmd=" + cmp.Or(c.Command, "NULL"), "user=" + c.User,
		fmt.Sprintf("resp=%d", c.Proto), "redir=-1", "lib-name=" + c.Library, "lib-ver=" + c.LibraryVersion,
	}
	return strings.Join(fields, " ")
}

// flagsOf says in CLIENT LIST's letters what kind of client it is.
func flagsOf(c server.Client) string {
	if c.Channels+c.Patterns > 0 {
		return "P"
	}
	return "N"
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
