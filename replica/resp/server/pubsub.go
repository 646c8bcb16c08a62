package server

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kvd/replica/resp"
	"kvd/replica/resp/glob"
	"kvd/resolve/limits"
)

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

func Subscribe(k *Call) error {
	names := k.Texts(1)
	for _, n := range names {
		switch {
		case ours(n) && !slices.Contains(k.conn.srv.channels, n):
			return resp.Error("ERR there is no channel '" + n[:min(len(n), 128)] + "'; " + k.conn.srv.thereAre())
		case len(n) > k.conn.srv.cfg.Limits.Key:
			return k.longChannel()
		}
	}
	fresh := func(n string) bool { _, there := k.conn.subs.channels[n]; return !there }
	if err := k.listen(names, fresh); err != nil {
		return err
	}
	for _, n := range names {
		if fresh(n) {
			k.conn.subs.channels[n] = struct{}{}
			k.conn.srv.broker.join(k.conn.srv.broker.channels, n, k.conn.subs.ear)
		}
		k.confirm("subscribe", n)
	}
	k.conn.tune()
	return nil
}

func (k *Call) longChannel() error {
	return resp.Error(fmt.Sprintf("ERR the channel's name is longer than %d bytes", k.conn.srv.cfg.Limits.Key))
}

func PSubscribe(k *Call) error {
	patterns := k.Texts(1)
	all := k.conn.subs.patterns
	for _, p := range patterns {
		fits := func(channel string) bool { return glob.Match(p, channel) }
		switch all = with(all, p); {
		case len(p) > glob.MaxLen:
			return resp.Error("ERR the pattern is longer than " + strconv.Itoa(glob.MaxLen) + " bytes")
		case ours(p) && !slices.ContainsFunc(k.conn.srv.channels, fits):
			return resp.Error("ERR no channel fits '" + p[:min(len(p), 128)] + "'; " + k.conn.srv.thereAre())
		case len(all) > k.conn.srv.cfg.Limits.Patterns:
			return resp.Error("ERR a client may listen to " + strconv.Itoa(k.conn.srv.cfg.Limits.Patterns) + " patterns, each of which is tried with every message; use fewer, or channels by name")
		}
	}
	fresh := func(p string) bool { _, there := slices.BinarySearch(k.conn.subs.patterns, p); return !there }
	if err := k.listen(patterns, fresh); err != nil {
		return err
	}
	for _, p := range patterns {
		if fresh(p) {
			k.conn.subs.patterns = with(k.conn.subs.patterns, p)
			k.conn.srv.broker.join(k.conn.srv.broker.patterns, p, k.conn.subs.ear)
		}
		k.confirm("psubscribe", p)
	}
	k.conn.tune()
	return nil
}

// listen makes ready for more subscriptions: it takes the memory for them, and sends
// what was published before.
func (k *Call) listen(names []string, fresh func(string) bool) error {
	size := int64(0)
	for _, n := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if fresh(n) {
			size += int64(len(n)) + nameBytes
		}
	}
	if err := k.conn.reserve(size, k.conn.srv.cfg.Arrive); err != nil {
		return err
	}
	k.conn.subs.held += size
	if k.conn.subs.ear == nil {
		k.conn.subs.ear, k.conn.subs.channels = &ear{budget: &k.conn.srv.budget, ring: k.conn.ring, sever: k.conn.sever}, map[string]struct{}{}
	}
	k.conn.hear()
	return nil
}

func Unsubscribe(k *Call) error {
	b := k.conn.srv.broker
	k.leave("unsubscribe", slices.Sorted(maps.Keys(k.conn.subs.channels)), func(n string) bool {
		if _, there := k.conn.subs.channels[n]; !there {
			return false
		}
		delete(k.conn.subs.channels, n)
		b.leave(b.channels, n, k.conn.subs.ear)
		return true
	})
	return nil
}

func PUnsubscribe(k *Call) error {
	b := k.conn.srv.broker
	k.leave("punsubscribe", k.conn.subs.patterns, func(p string) bool {
		before := len(k.conn.subs.patterns)
		if k.conn.subs.patterns = without(k.conn.subs.patterns, p); len(k.conn.subs.patterns) == before {
			return false
		}
		b.leave(b.patterns, p, k.conn.subs.ear)
		return true
	})
	return nil
}

// leave ends the subscriptions to the names that the client gave, or to all. Every name
// is confirmed, whether it was there or not; one that is left nameless too.
func (k *Call) leave(kind string, all []string, end func(name string) bool) {
	k.conn.hear()
	names := k.Texts(1)
	if len(k.Args) == 1 {
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
		k.Out.Push(3)
		k.Out.Text(kind)
		k.Out.Null()
		k.Out.Int(int64(k.conn.subs.count()))
	}
	k.conn.subs.held -= freed
	k.conn.giveBack(freed)
	k.conn.tune()
}

// confirm answers one name of a subscription that was begun or ended.
func (k *Call) confirm(kind, name string) {
	k.Out.Push(3)
	k.Out.Text(kind)
	k.Out.Text(name)
	k.Out.Int(int64(k.conn.subs.count()))
}

func Publish(k *Call) error {
	channel, payload := string(k.Args[1]), k.Args[2]
	switch {
	case ours(channel):
		return resp.Error("ERR only the leader speaks on channels that begin with " + leaderPrefix + "; publish on one with another name")
	case len(channel) > k.conn.srv.cfg.Limits.Key:
		return k.longChannel()
	case len(channel)+len(payload) > limits.Message:
		return resp.Error(fmt.Sprintf("ERR the message is too long: with its channel's name it may have %d bytes; write it to a key, and publish that", limits.Message))
	}
	payload = bytes.Clone(payload)
	n, err := k.conn.srv.broker.publish(channel, payload)
	if err != nil {
		return resp.Error("TRYAGAIN " + err.Error() + "; nobody was sent the message, publish it again later")
	}
	if f := k.conn.srv.cfg.Publish; f != nil {
		f(channel, payload)
	}
	k.Out.Int(int64(n))
	return nil
}

// Hear brings what was published at another leader to who listens here. It never waits.
// Nobody changes the message afterwards.
func (s *Server) Hear(channel string, message []byte) {
	if !ours(channel) {
		_, _ = s.broker.publish(channel, message) // what finds no memory is lost, and counted there
	}
}

// hears reports whether the client may be told what is said on a channel. What the
// leader says of keys is looked at key by key.
func (c *conn) hears(channel string) bool { return ours(channel) || c.reads(channel) }

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
