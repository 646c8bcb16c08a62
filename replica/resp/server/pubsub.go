package server

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/glob"
	"kvd/resolve/limits"
)

func pubsubCommands() []command {
	const flags = alone | listening
	return []command{
		{name: "subscribe", arity: -2, flags: flags, needs: acl.Read, since: "2.0.0", run: runSubscribe, summary: "Listens to channels: to what clients publish at any leader, at most once, and to the leader's own, which begin with kvd:. What is published while a link between leaders is cut, or faster than it carries, does not arrive behind it, then or later."},
		{name: "unsubscribe", arity: -1, flags: flags, needs: acl.Anyone, since: "2.0.0", run: runUnsubscribe, summary: "Listens to channels no more, or to none."},
		{name: "psubscribe", arity: -2, flags: flags, needs: acl.Read, since: "2.0.0", run: runPSubscribe, summary: "Listens to the channels that fit patterns; to the leader's own only by patterns that begin with kvd:."},
		{name: "punsubscribe", arity: -1, flags: flags, needs: acl.Anyone, since: "2.0.0", run: runPUnsubscribe, summary: "Listens to patterns no more, or to none."},
		{name: "publish", arity: 3, flags: fast | alone, needs: acl.Write, since: "2.0.0", run: runPublish, summary: "Sends a message to who listens, at this leader and at those it has a link to, at most once. Nothing is kept for who comes later. The number answered is of subscriptions at this leader: those at others are not counted."},
		{name: "pubsub", arity: -2, flags: family | alone, needs: acl.Read, since: "2.8.0", run: runPubsub, summary: "Answers who listens to what at this leader."},
		{name: "ssubscribe", arity: -2, flags: flags, needs: acl.Read, since: "7.0.0", run: runSharded, summary: "Refused: there are no shards; SUBSCRIBE listens to all leaders."},
		{name: "sunsubscribe", arity: -1, flags: flags, needs: acl.Anyone, since: "7.0.0", run: runSharded, summary: "Refused: there are no shards; UNSUBSCRIBE is for all channels."},
		{name: "spublish", arity: 3, flags: fast | alone, needs: acl.Write, since: "7.0.0", run: runSharded, summary: "Refused: there are no shards; PUBLISH reaches all leaders."},
	}
}

// leaderPrefix is what the leader's own channels begin with, and no others.
const leaderPrefix = "kvd:"

// ours reports whether a name is of the leader's own channels, or a pattern for them.
func ours(name string) bool { return strings.HasPrefix(name, leaderPrefix) }

// thereAre names the leader's own channels.
func (s *Server) thereAre() string {
	if len(s.channels) == 0 {
		return "this leader has none of its own"
	}
	return "there are " + strings.Join(s.channels, " and ")
}

func runSubscribe(k *call) error {
	names := k.texts(1)
	for _, n := range names {
		switch {
		case ours(n) && !slices.Contains(k.srv.channels, n):
			return resp.Error("ERR there is no channel '" + n[:min(len(n), 128)] + "'; " + k.srv.thereAre())
		case len(n) > k.srv.cfg.Limits.Key:
			return k.longChannel()
		}
	}
	fresh := func(n string) bool { _, there := k.subs.channels[n]; return !there }
	if err := k.listen(names, fresh); err != nil {
		return err
	}
	for _, n := range names {
		if fresh(n) {
			k.subs.channels[n] = struct{}{}
			k.srv.broker.join(k.srv.broker.channels, n, k.subs.ear)
		}
		k.confirm("subscribe", n)
	}
	k.tune()
	return nil
}

func (k *call) longChannel() error {
	return resp.Error(fmt.Sprintf("ERR the channel's name is longer than %d bytes", k.srv.cfg.Limits.Key))
}

func runPSubscribe(k *call) error {
	patterns := k.texts(1)
	all := k.subs.patterns
	for _, p := range patterns {
		fits := func(channel string) bool { return glob.Match(p, channel) }
		switch all = with(all, p); {
		case len(p) > glob.MaxLen:
			return resp.Error("ERR the pattern is longer than " + strconv.Itoa(glob.MaxLen) + " bytes")
		case ours(p) && !slices.ContainsFunc(k.srv.channels, fits):
			return resp.Error("ERR no channel fits '" + p[:min(len(p), 128)] + "'; " + k.srv.thereAre())
		case len(all) > k.srv.cfg.Limits.Patterns:
			return resp.Error("ERR a client may listen to " + strconv.Itoa(k.srv.cfg.Limits.Patterns) + " patterns, each of which is tried with every message; use fewer, or channels by name")
		}
	}
	fresh := func(p string) bool { _, there := slices.BinarySearch(k.subs.patterns, p); return !there }
	if err := k.listen(patterns, fresh); err != nil {
		return err
	}
	for _, p := range patterns {
		if fresh(p) {
			k.subs.patterns = with(k.subs.patterns, p)
			k.srv.broker.join(k.srv.broker.patterns, p, k.subs.ear)
		}
		k.confirm("psubscribe", p)
	}
	k.tune()
	return nil
}

// listen makes ready for more subscriptions: it takes the memory for them, and sends
// what was published before.
func (k *call) listen(names []string, fresh func(string) bool) error {
	size := int64(0)
	for _, n := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if fresh(n) {
			size += int64(len(n)) + nameBytes
		}
	}
	if err := k.reserve(size, k.srv.cfg.Arrive); err != nil {
		return err
	}
	k.subs.held += size
	if k.subs.ear == nil {
		k.subs.ear, k.subs.channels = &ear{budget: &k.srv.budget, ring: k.ring, sever: k.sever}, map[string]struct{}{}
	}
	k.hear()
	return nil
}

func runUnsubscribe(k *call) error {
	b := k.srv.broker
	k.leave("unsubscribe", slices.Sorted(maps.Keys(k.subs.channels)), func(n string) bool {
		if _, there := k.subs.channels[n]; !there {
			return false
		}
		delete(k.subs.channels, n)
		b.leave(b.channels, n, k.subs.ear)
		return true
	})
	return nil
}

func runPUnsubscribe(k *call) error {
	b := k.srv.broker
	k.leave("punsubscribe", k.subs.patterns, func(p string) bool {
		before := len(k.subs.patterns)
		if k.subs.patterns = without(k.subs.patterns, p); len(k.subs.patterns) == before {
			return false
		}
		b.leave(b.patterns, p, k.subs.ear)
		return true
	})
	return nil
}

// leave ends the subscriptions to the names that the client gave, or to all. Every name
// is confirmed, whether it was there or not; one that is left nameless too.
func (k *call) leave(kind string, all []string, end func(name string) bool) {
	k.hear()
	names := k.texts(1)
	if len(k.args) == 1 {
		names = all
	}
	freed := int64(0)
	for _, n := range names {
		if end(n) {
			freed += int64(len(n)) + nameBytes
		}
		k.confirm(kind, n)
	}
	if len(names) == 0 {
		k.w.Push(3)
		k.w.Text(kind)
		k.w.Null()
		k.w.Int(int64(k.subs.count()))
	}
	k.subs.held -= freed
	k.giveBack(freed)
	k.tune()
}

// confirm answers one name of a subscription that was begun or ended.
func (k *call) confirm(kind, name string) {
	k.w.Push(3)
	k.w.Text(kind)
	k.w.Text(name)
	k.w.Int(int64(k.subs.count()))
}

func runPublish(k *call) error {
	channel, payload := string(k.args[1]), k.args[2]
	switch {
	case ours(channel):
		return resp.Error("ERR only the leader speaks on channels that begin with " + leaderPrefix + "; publish on one with another name")
	case len(channel) > k.srv.cfg.Limits.Key:
		return k.longChannel()
	case len(channel)+len(payload) > limits.Message:
		return resp.Error(fmt.Sprintf("ERR the message is too long: with its channel's name it may have %d bytes; write it to a key, and publish that", limits.Message))
	}
	payload = bytes.Clone(payload)
	n, err := k.srv.broker.publish(channel, payload)
	if err != nil {
		return resp.Error("TRYAGAIN " + err.Error() + "; nobody was sent the message, publish it again later")
	}
	if f := k.srv.cfg.Publish; f != nil {
		f(channel, payload)
	}
	k.w.Int(int64(n))
	return nil
}

// Hear brings what was published at another leader to who listens here. It never waits.
// Nobody changes the message afterwards.
func (s *Server) Hear(channel string, message []byte) {
	if !ours(channel) {
		_, _ = s.broker.publish(channel, message) // what finds no memory is lost, and counted there
	}
}

func runSharded(k *call) error {
	return resp.Error("ERR " + strings.ToUpper(k.cmd.name) + " is not supported: there are no shards here; use " + strings.ToUpper(k.cmd.name[1:]) + ", which is for all leaders")
}

func runPubsub(k *call) error {
	switch {
	case (k.is(1, "CHANNELS") || k.is(1, "SHARDCHANNELS")) && len(k.args) <= 3:
		return k.activeChannels()
	case k.is(1, "NUMSUB") || k.is(1, "SHARDNUMSUB"):
		k.w.Array(2 * (len(k.args) - 2))
		for _, n := range k.texts(2) {
			k.w.Text(n)
			listeners := 0
			if k.is(1, "NUMSUB") && k.hears(n) {
				listeners = k.srv.broker.listeners(n)
			}
			k.w.Int(int64(listeners))
		}
	case k.is(1, "NUMPAT"):
		_, patterns := k.srv.broker.sizes()
		k.w.Int(int64(patterns))
	case k.is(1, "CHANNELS") || k.is(1, "SHARDCHANNELS"):
		return k.wrongSub()
	default:
		return k.unknownSub()
	}
	return nil
}

// activeChannels answers the channels that somebody listens to by name, of those that
// the client may listen to. There are no shards, so no channels of shards.
func (k *call) activeChannels() error {
	pattern := "*"
	if len(k.args) == 3 {
		pattern = string(k.args[2])
	}
	if len(pattern) > glob.MaxLen {
		return resp.Error("ERR the pattern is longer than " + strconv.Itoa(glob.MaxLen) + " bytes")
	}
	var active []string
	if k.is(1, "CHANNELS") {
		active = k.srv.broker.names(func(n string) bool { return k.hears(n) && glob.Match(pattern, n) })
	}
	writeKeys(k.w, active)
	return nil
}

// hears reports whether the client may be told what is said on a channel. What the
// leader says of keys is looked at key by key.
func (c *conn) hears(channel string) bool { return ours(channel) || c.reads(channel) }

// channelArgs yields what the channels that the command names begin with, where clients
// publish on them.
func (k *call) channelArgs(yield func([]byte) bool) {
	args := k.args[1:]
	switch k.cmd.name {
	case "publish":
		args = args[:1]
	case "subscribe", "psubscribe":
	default:
		return
	}
	for _, a := range args {
		if bytes.HasPrefix(a, []byte(leaderPrefix)) {
			continue // the leader's own, which tell of reachable keys alone
		}
		if i := bytes.IndexAny(a, `*?[\`); i >= 0 && k.cmd.name == "psubscribe" {
			a = a[:i]
		}
		if !yield(a) {
			return
		}
	}
}

// texts is copies of the arguments from from on.
func (k *call) texts(from int) []string {
	names := make([]string, 0, len(k.args)-from)
	for _, a := range k.args[from:] {
		names = append(names, string(a))
	}
	return names
}

// with is the ascending names and one more, in a new slice; or the same if it is
// there.
func with(names []string, name string) []string {
	i, there := slices.BinarySearch(names, name)
	if there {
		return names
	}
	return slices.Insert(slices.Clone(names), i, name)
}

// without is the names and one less, in a new slice; or the same if it is not
// there.
func without(names []string, name string) []string {
	i, there := slices.BinarySearch(names, name)
	if !there {
		return names
	}
	return slices.Delete(slices.Clone(names), i, i+1)
}
