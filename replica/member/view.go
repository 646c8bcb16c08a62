package member

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/serf/serf"
)

// View is who there is at one moment. Nobody changes it once it was handed out;
// whoever receives it must not either.
type View struct {
	Members []Member // sorted by name, this leader included

	// Joined says that there was nobody to join, or that somebody answered.
	Joined bool
	// Tried says that everybody to join was asked once: whoever could be
	// reached then is among the members.
	Tried bool
	// Trouble is why nobody answered yet, the latest attempt's; a [*Refused] if
	// that is why. Nil once joined.
	Trouble error
	// Rival was heard of since the last view; nil: none was.
	Rival *Rival
}

// Rival is what gossip says of a leader elsewhere that has our name and our origin: a copy
// of us, or we of it, or what is remembered of us from before a crash.
type Rival struct {
	Refused *Refused
	HTTP    string // where its status page is
}

// Equal reports whether v and w say the same.
func (v View) Equal(w View) bool {
	return v.Joined == w.Joined && v.Tried == w.Tried && text(v.Trouble) == text(w.Trouble) && v.Rival == nil && w.Rival == nil && slices.Equal(v.Members, w.Members)
}

// Because is a colon and the trouble, to end a sentence with; empty: there is none.
func (v View) Because() string {
	if v.Trouble == nil {
		return ""
	}
	return ": " + v.Trouble.Error()
}

// Find is the member of that name.
func (v View) Find(name string) (Member, bool) {
	i, found := slices.BinarySearchFunc(v.Members, name, func(m Member, name string) int {
		return strings.Compare(m.Name, name)
	})
	if !found {
		return Member{}, false
	}
	return v.Members[i], true
}

// Member is a leader as gossip describes it.
type Member struct {
	Name   string
	Status Status
	Gossip string // host:port
	Origin uint64 // of its present incarnation
	Begun  int64  // see [Config.Begun]

	PeerAddr string
	RespAddr string
	HTTPAddr string
}

// Status is what gossip makes of a member.
type Status uint8

// The states.
const (
	Alive   Status = 1 + iota // answers, or somebody says that it does
	Leaving                   // has said that it will go
	Left                      // has gone as it said
	Failed                    // does not answer, or answers as somebody we refuse
	Absent                    // was known before this leader started, and has not been met since; gossip itself never says so
)

// String names the state.
func (s Status) String() string {
	return [...]string{"unknown", "alive", "leaving", "left", "failed", "absent"}[s]
}

func members(known []serf.Member) []Member {
	list := make([]Member, 0, len(known))
	for _, k := range known {
		// What cannot be read stays zero: whoever sent it was compared with us and passed.
		origin, _ := strconv.ParseUint(k.Tags[tagOrigin], 16, 64)
		begun, _ := strconv.ParseInt(k.Tags[tagBegun], 16, 64)
		list = append(list, Member{Name: k.Name, Status: cmp.Or(statuses[k.Status], Failed), Gossip: address(k.Addr, k.Port), Origin: origin, Begun: begun,
			PeerAddr: k.Tags[tagPeer], RespAddr: k.Tags[tagRESP], HTTPAddr: k.Tags[tagHTTP]})
	}
	slices.SortFunc(list, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// statuses is what serf's mean; all others are that of a member that failed.
var statuses = map[serf.MemberStatus]Status{serf.StatusAlive: Alive, serf.StatusLeaving: Leaving, serf.StatusLeft: Left}

func address(ip net.IP, port uint16) string {
	return net.JoinHostPort(ip.String(), strconv.Itoa(int(port)))
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
