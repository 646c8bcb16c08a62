package admin

import (
	"strconv"
	"strings"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/glob"
	"kvd/replica/resp/server"
)

func Pubsub() []server.Command {
	const flags = server.Exclusive | server.WhileSubscribed
	return []server.Command{
		{Name: "subscribe", Arity: -2, Channels: server.ChannelSpec{Count: -1}, Flags: flags, Needs: acl.Read, Since: "2.0.0", Run: server.Subscribe, Summary: "Listens to channels: to what clients publish at any leader, at most once, and to the leader's own, which begin with kvd:. What is published while a link between leaders is cut, or faster than it carries, does not arrive behind it, then or later."},
		{Name: "unsubscribe", Arity: -1, Flags: flags, Needs: acl.Anyone, Since: "2.0.0", Run: server.Unsubscribe, Summary: "Listens to channels no more, or to none."},
		{Name: "psubscribe", Arity: -2, Channels: server.ChannelSpec{Count: -1, Patterns: true}, Flags: flags, Needs: acl.Read, Since: "2.0.0", Run: server.PSubscribe, Summary: "Listens to the channels that fit patterns; to the leader's own only by patterns that begin with kvd:."},
		{Name: "punsubscribe", Arity: -1, Flags: flags, Needs: acl.Anyone, Since: "2.0.0", Run: server.PUnsubscribe, Summary: "Listens to patterns no more, or to none."},
		{Name: "publish", Arity: 3, Channels: server.ChannelSpec{Count: 1}, Flags: server.Fast | server.Exclusive, Needs: acl.Write, Since: "2.0.0", Run: server.Publish, Summary: "Sends a message to who listens, at this leader and at those it has a link to, at most once. Nothing is kept for who comes later. The number answered is of subscriptions at this leader: those at others are not counted."},
		{Name: "pubsub", Arity: -2, Flags: server.Exclusive, Needs: acl.Read, Since: "2.8.0", Run: runPubsub, Summary: "Answers who listens to what at this leader.",
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

func runPubsub(k *server.Call) error {
	switch {
	case (k.Is(1, "CHANNELS") || k.Is(1, "SHARDCHANNELS")) && len(k.Args) <= 3:
		return activeChannels(k)
	case k.Is(1, "NUMSUB") || k.Is(1, "SHARDNUMSUB"):
		k.Out.Array(2 * (len(k.Args) - 2))
		for _, n := range k.Texts(2) {
			k.Out.Text(n)
			listeners := 0
			if k.Is(1, "NUMSUB") && k.Hears(n) {
				listeners = k.Server().Subscribers(n)
			}
			k.Out.Int(int64(listeners))
		}
	case k.Is(1, "NUMPAT"):
		_, patterns := k.Server().Subscriptions()
		k.Out.Int(int64(patterns))
	case k.Is(1, "CHANNELS") || k.Is(1, "SHARDCHANNELS"):
		return k.WrongSub()
	default:
		return k.UnknownSub()
	}
	return nil
}

// activeChannels answers the channels that somebody listens to by name, of those that
// the client may listen to. There are no shards, so no channels of shards.
func activeChannels(k *server.Call) error {
	pattern := "*"
	if len(k.Args) == 3 {
		pattern = string(k.Args[2])
	}
	if len(pattern) > glob.MaxLen {
		return resp.Error("ERR the pattern is longer than " + strconv.Itoa(glob.MaxLen) + " bytes")
	}
	var active []string
	if k.Is(1, "CHANNELS") {
		active = k.Server().Subscribed(func(n string) bool { return k.Hears(n) && glob.Match(pattern, n) })
	}
	k.Out.Texts(active)
	return nil
}
