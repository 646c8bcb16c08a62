package admin

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/glob"
	"kvd/replica/resp/pubsub"
	"kvd/replica/resp/server"
	"kvd/resolve/limits"
)

// Pubsub is the rows of publishing and subscribing.
func Pubsub() []server.Command {
	const flags = server.Exclusive | server.WhileSubscribed
	return []server.Command{
		{Name: "subscribe", Arity: -2, Channels: server.ChannelSpec{Count: -1}, Flags: flags, Needs: acl.Read, Since: "2.0.0", Run: runSubscribe, Summary: "Listens to channels: to what clients publish at any leader, at most once, and to the leader's own, which begin with kvd:. What is published while a link between leaders is cut, or faster than it carries, does not arrive behind it, then or later."},
		{Name: "unsubscribe", Arity: -1, Flags: flags, Needs: acl.Anyone, Since: "2.0.0", Run: runUnsubscribe, Summary: "Listens to channels no more, or to none."},
		{Name: "psubscribe", Arity: -2, Channels: server.ChannelSpec{Count: -1, Patterns: true}, Flags: flags, Needs: acl.Read, Since: "2.0.0", Run: runPSubscribe, Summary: "Listens to the channels that fit patterns; to the leader's own only by patterns that begin with kvd:."},
		{Name: "punsubscribe", Arity: -1, Flags: flags, Needs: acl.Anyone, Since: "2.0.0", Run: runUnsubscribe, Summary: "Listens to patterns no more, or to none."},
		{Name: "publish", Arity: 3, Channels: server.ChannelSpec{Count: 1}, Flags: server.Fast | server.Exclusive, Needs: acl.Write, Since: "2.0.0", Run: runPublish, Summary: "Sends a message to who listens, at this leader and at those it has a link to, at most once. Nothing is kept for who comes later. The number answered is of subscriptions at this leader: those at others are not counted."},
		{Name: "pubsub", Arity: -2, Flags: server.Exclusive, Needs: acl.Read, Since: "2.8.0", Runs: pubsubRuns, Summary: "Answers who listens to what at this leader.",
			Subs: map[string]int{
				"channels": -2, "help": 2, "numpat": 2, "numsub": -2, "shardchannels": -2, "shardnumsub": -2,
			}, Help: []string{
				"CHANNELS [<pattern>]", "    Answers the channels that somebody listens to.", "NUMPAT", "    Answers how many patterns are listened to.",
				"NUMSUB [<channel> ...]", "    Answers how many listen to each channel.",
			}},
		{Name: "ssubscribe", Arity: -2, Flags: flags, Needs: acl.Read, Since: "7.0.0", Run: runSharded, Summary: "Refused: there are no shards; SUBSCRIBE listens to all leaders."},
		{Name: "sunsubscribe", Arity: -1, Flags: flags, Needs: acl.Anyone, Since: "7.0.0", Run: runSharded, Summary: "Refused: there are no shards; UNSUBSCRIBE is for all channels."},
		{Name: "spublish", Arity: 3, Flags: server.Fast | server.Exclusive, Needs: acl.Write, Since: "7.0.0", Run: runSharded, Summary: "Refused: there are no shards; PUBLISH reaches all leaders."},
	}
}

func runSharded(k *server.Call) error {
	return resp.Error("ERR " + strings.ToUpper(k.Name()) + " is not supported: there are no shards here; use " + strings.ToUpper(k.Name()[1:]) + ", which is for all leaders")
}

// pubsubRuns say who listens. There are no shards, so no channels of shards.
var pubsubRuns = server.Runs{
	"channels":      channels,
	"shardchannels": channels,
	"numsub":        listeners,
	"shardnumsub":   listeners,
	"numpat": func(k *server.Call) error {
		_, patterns := k.Server().Broker.Counts()
		k.Out.Int(int64(patterns))
		return nil
	},
}

func listeners(k *server.Call) error {
	k.Out.Array(2 * (len(k.Args) - 2))
	for _, n := range k.Texts(2) {
		k.Out.Text(n)
		count := 0
		if k.Is(1, "NUMSUB") && k.Hears(n) {
			count = k.Server().Broker.Listeners(n)
		}
		k.Out.Int(int64(count))
	}
	return nil
}

var errLongPattern = resp.Error(fmt.Sprintf("ERR the pattern is longer than %d bytes", glob.MaxLen))

// channels answers the channels that somebody listens to by name, of those that the client
// may listen to.
func channels(k *server.Call) error {
	pattern := "*"
	switch {
	case len(k.Args) > 3:
		return k.WrongSub()
	case len(k.Args) == 3:
		pattern = string(k.Args[2])
	}
	if len(pattern) > glob.MaxLen {
		return errLongPattern
	}
	var active []string
	if k.Is(1, "CHANNELS") {
		active = k.Server().Broker.Channels(func(n string) bool { return k.Hears(n) && glob.Match(pattern, n) })
	}
	k.Out.Texts(active)
	return nil
}

func ownChannels(s *server.Server) string {
	if len(s.Channels) == 0 {
		return "this leader has none of its own"
	}
	return "there are " + strings.Join(s.Channels, " and ")
}

func runSubscribe(k *server.Call) error {
	names := k.Texts(1)
	for _, n := range names {
		switch {
		case pubsub.Own(n) && !slices.Contains(k.Server().Channels, n):
			return resp.Error("ERR there is no channel '" + n[:min(len(n), 128)] + "'; " + ownChannels(k.Server()))
		case len(n) > k.Config().Limits.Key:
			return longChannel(k)
		}
	}
	return k.Subscribe(names, false, func(n string) { confirm(k, n) })
}

func longChannel(k *server.Call) error {
	return resp.Error(fmt.Sprintf("ERR the channel's name is longer than %d bytes", k.Config().Limits.Key))
}

func runPSubscribe(k *server.Call) error {
	patterns, limit := k.Texts(1), k.Config().Limits.Patterns
	all := len(k.Subscriptions().Patterns())
	fresh := map[string]bool{}
	for _, p := range patterns {
		if !fresh[p] && !k.Subscriptions().Has(p, true) {
			fresh[p] = true
			all++
		}
		switch {
		case len(p) > glob.MaxLen:
			return errLongPattern
		case pubsub.Own(p) && !slices.ContainsFunc(k.Server().Channels, func(c string) bool { return glob.Match(p, c) }):
			return resp.Error("ERR no channel fits '" + p[:min(len(p), 128)] + "'; " + ownChannels(k.Server()))
		case all > limit:
			return resp.Error("ERR a client may listen to " + strconv.Itoa(limit) + " patterns, each of which is tried with every message; use fewer, or channels by name")
		}
	}
	return k.Subscribe(patterns, true, func(p string) { confirm(k, p) })
}

// runUnsubscribe ends the subscriptions to the names that the client gave, or to all. Every
// name is confirmed, whether it was there or not; where there is none that is answered too.
func runUnsubscribe(k *server.Call) error {
	names, patterns := k.Texts(1), k.Name() == "punsubscribe"
	switch {
	case len(k.Args) > 1:
	case patterns:
		names = k.Subscriptions().Patterns()
	default:
		names = k.Subscriptions().Channels()
	}
	k.Unsubscribe(names, patterns, func(n string) { confirm(k, n) })
	if len(names) == 0 {
		k.Out.Push(3)
		k.Out.Text(k.Name())
		k.Out.Null()
		k.Out.Int(int64(k.Subscriptions().Count()))
	}
	return nil
}

// confirm answers one name of a subscription that was begun or ended.
func confirm(k *server.Call, name string) {
	k.Out.Push(3)
	k.Out.Text(k.Name())
	k.Out.Text(name)
	k.Out.Int(int64(k.Subscriptions().Count()))
}

func runPublish(k *server.Call) error {
	channel, payload := string(k.Args[1]), k.Args[2]
	switch {
	case pubsub.Own(channel):
		return resp.Error("ERR only the leader speaks on channels that begin with " + pubsub.Prefix + "; publish on one with another name")
	case len(channel) > k.Config().Limits.Key:
		return longChannel(k)
	case len(channel)+len(payload) > limits.Message:
		return resp.Error(fmt.Sprintf("ERR the message is too long: with its channel's name it may have %d bytes; write it to a key, and publish that", limits.Message))
	}
	n, err := k.Server().Publish(channel, bytes.Clone(payload))
	if err != nil {
		return resp.Error("TRYAGAIN " + err.Error() + "; nobody was sent the message, publish it again later")
	}
	k.Out.Int(int64(n))
	return nil
}
