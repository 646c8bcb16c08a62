package admin

import (
	"cmp"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// Members prints the leaders of the cluster, as one of them knows them.
func Members(k *invoke.Call, l *client.Leader) error {
	all, err := l.Members(k.Ctx())
	if client.Unknown(err) {
		k.Say("this server has no KVD.MEMBERS; what follows is what each known leader says of itself")
		all, err = byInfo(k)
	}
	if err != nil {
		return err
	}
	if err := show.PutList(k.Out, all, show.Member); err != nil {
		return err
	}
	if names, err := l.Forgotten(k.Ctx()); err == nil && len(names) > 0 { // older servers have forgotten nobody
		k.Say("forgotten: " + cliutil.Series(show.ShownAll(names)))
	}
	return nil
}

// byInfo asks every known leader about itself. Those that do not answer are
// listed as such.
func byInfo(k *invoke.Call) ([]client.Member, error) {
	leaders, err := k.All()
	if err != nil {
		return nil, err
	}
	var all []client.Member
	for _, l := range leaders {
		info, err := l.Info(k.Ctx(), "kvd")
		m := client.MemberOf(func(name string) string { return info[name] })
		m.Name = cmp.Or(m.Name, info["node"], l.Name)
		m.RESP = cmp.Or(m.RESP, l.Addr)
		switch {
		case err != nil:
			m.Status = "unreachable"
		case m.Status == "":
			m.Status = "answers"
		}
		all = append(all, m)
	}
	return all, nil
}
