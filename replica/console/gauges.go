package console

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"kvd/resolve"
)

// maxPeers is how many peers have series of their own. A cluster has a handful;
// the bound holds even if names go astray.
const maxPeers = 64

type scrape struct {
	Status
	ready bool
	peers []Peer // by name, each once: a name that stood twice would spoil the whole scrape
}

// single is a metric that has one series. One whose name ends in _total is a counter.
type single struct {
	name, help string
	value      func(s *scrape) float64
}

var singles = []single{
	{"ready", "1 if clients may be sent here.", func(s *scrape) float64 { return truth(s.ready) }},
	{"policy_number", "Number of the policy that was set while leaders ran and counts here; 0: settings say which. Leaders with different numbers are not linked.", func(s *scrape) float64 { return float64(s.PolicyNumber) }},
	{"policy_behind", "1 if others have gone over to a policy that this leader cannot go over to; /status says why.", func(s *scrape) float64 { return truth(s.PolicyBehind != "") }},
	{"uptime_seconds", "Since this process began; its origin may be older.", func(s *scrape) float64 { return s.UptimeSeconds }},
	{"clock_error_seconds", "What the leader claims for the error of its own clock, either way.", func(s *scrape) float64 { return s.ClockErrorSeconds }},
	{"clock_source_silent", "1 if the clock is to be judged by a source that does not answer; /status says which.", func(s *scrape) float64 { return truth(s.Clock.Silent()) }},
	{"clock_answer_age_seconds", "Age of the answer that the clock is judged by; 0: nobody is asked.", func(s *scrape) float64 { return s.Clock.AgeSeconds }},
	{"clock_quarantined", "1 if the clock is in quarantine: most members place true time outside of what it claims.", func(s *scrape) float64 { return truth(s.Clock.Quarantined()) }},
	{"clock_outside_seconds", "How far the clock lies outside of where most members place true time, whatever messages take; positive: ahead, 0: it is within, or nobody can tell.", func(s *scrape) float64 { return s.Clock.Outside() }},
	{"clocks_heard", "Members whose clocks are known of late, this one included; with fewer than a majority of all nothing is judged.", func(s *scrape) float64 { return judgement(s).heard }},
	{"clocks_split", "1 if no majority of the members' clocks agree.", func(s *scrape) float64 { return judgement(s).split }},
	{"clocks_min_offset_seconds", "Of all members' clocks the one that is most behind, against this one's.", func(s *scrape) float64 { return judgement(s).min }},
	{"clocks_median_offset_seconds", "The median of all members' clocks against this one's.", func(s *scrape) float64 { return judgement(s).median }},
	{"clocks_max_offset_seconds", "Of all members' clocks the one that is most ahead, against this one's.", func(s *scrape) float64 { return judgement(s).max }},
	{"clock_steps_total", "How often the clock of this machine was seen to be set.", func(s *scrape) float64 { return float64(s.Clock.Steps) }},
	{"clock_contradictions_total", "Answers of sources of time that contradicted the ones before.", func(s *scrape) float64 { return float64(s.Clock.Contradictions) }},
	{"unshared_ops", "Ops accepted here that are not known to be durable anywhere else.", func(s *scrape) float64 { return float64(s.UnsharedOps) }},
	{"log_bytes", "What the files of the write-ahead log take, what is preallocated included.", func(s *scrape) float64 { return float64(s.Usage.LogBytes) }},
	{"store_bytes", "What all files of the store take, the log's among them.", func(s *scrape) float64 { return float64(s.Usage.StoreBytes) }},
	{"memory_limit_bytes", "What the whole process is meant to take of the memory; 0: nobody said.", func(s *scrape) float64 { return float64(s.Usage.MemoryLimit) }},
	{"gate_ops", "Ops that wait at the gate for what they depend on.", func(s *scrape) float64 { return float64(s.GateOps) }},
	{"gate_bytes", "What the ops at the gate take in memory.", func(s *scrape) float64 { return float64(s.GateBytes) }},
	{"waiting_bytes", "What the requests that wait take in memory.", func(s *scrape) float64 { return float64(s.WaitingBytes) }},
	{"acks_waiting_calls", "Calls whose writes are stored here and wait until other leaders hold them, or until their stamps are past.", func(s *scrape) float64 { return float64(s.AcksWaiting) }},
	{"commit_waiting_calls", "Calls whose writes are stored here and wait until their stamps are past (commit-wait).", func(s *scrape) float64 { return float64(s.CommitWaiting) }},
	{"waiting_requests", "Requests that wait for what their token has seen.", func(s *scrape) float64 { return float64(s.WaitingRequests) }},
	{"connected_clients", "Clients that are connected.", func(s *scrape) float64 { return float64(s.Clients) }},
	{"client_memory_limit_bytes", "What all clients' requests, and the replies they have not taken, may use together.", func(s *scrape) float64 { return float64(s.ClientMemory.Limit) }},
	{"client_memory_bytes", "What they use.", func(s *scrape) float64 { return float64(s.ClientMemory.Used) }},
	{"clients_waiting_for_memory", "Connections that wait until others have given memory back.", func(s *scrape) float64 { return float64(s.ClientMemory.Waiting) }},
	{"clients_cut_for_memory_total", "Connections cut because they held much for a client that did not go on, and others needed it.", func(s *scrape) float64 { return float64(s.ClientMemory.Cut) }},
	{"subscribers_cut_total", "Subscribers cut because they take messages too slowly.", func(s *scrape) float64 { return float64(s.Subscribers.Cut) }},
	{"published_unheard_total", "Messages that nobody here was sent, because there was no memory for them.", func(s *scrape) float64 { return float64(s.Subscribers.Unheard) }},
	{"quorum_voters", "Leaders that decide by majority about locks; 0: there is no quorum, or this leader was never told of it.", func(s *scrape) float64 { return float64(len(s.Quorum.Voters)) }},
	{"quorum_leads", "1 if this leader leads the quorum.", func(s *scrape) float64 { return truth(s.Quorum.Leads) }},
	{"quorum_leaderless_seconds", "For how long this voter has known of nobody who leads the quorum; 0: somebody does, or this leader does not vote.", func(s *scrape) float64 { return s.Quorum.LeaderlessSeconds }},
	{"locks_held", "Locks that are held, as this voter of the quorum knows.", func(s *scrape) float64 { return float64(s.Quorum.Locks) }},
	{"locks_bytes", "What they take in memory.", func(s *scrape) float64 { return float64(s.Quorum.LockBytes) }},
	{"locks_expired_total", "Locks that ended because nobody renewed them, as this voter knows.", func(s *scrape) float64 { return float64(s.Quorum.Expired) }},
	{"fenced_writes_total", "Writes under the token of a lock that were accepted here.", func(s *scrape) float64 { return float64(s.Quorum.FencedWrites) }},
	{"fenced_refused_total", "Writes under the token of a lock that were refused here, because the lease was over.", func(s *scrape) float64 { return float64(s.Quorum.FencedRefused) }},
	{"missing_ops", "Ops that the store had lost when the leader started, and that have not come back.", func(s *scrape) float64 { return float64(s.MissingOps) }},
	{"unreplicated_ops", "Ops that other leaders said they had, that are not applied here, and that nobody who can be reached is known to have.", func(s *scrape) float64 { return float64(s.UnreplicatedOps) }},
	{"origins", "Origins in the logs here.", func(s *scrape) float64 { return float64(s.Origins.Count) }},
	{"origins_most", "Origins that there may be; a leader whose logs are full turns other origins away.", func(s *scrape) float64 { return float64(s.Origins.Max) }},
	{"origins_scarce", "Origins beyond seven eighths of what may be; 0: there are fewer.", func(s *scrape) float64 { return float64(s.Origins.Scarce()) }},
	{"origins_refused_ops_total", "Ops that were not taken, because their origin is one too many for the logs here.", func(s *scrape) float64 { return float64(s.Origins.RefusedOps) }},
	{"conflicting_dots", "Dots with one content here and another at a leader that was met, which nothing settles yet: a leader and its copy gave them twice.", func(s *scrape) float64 { return float64(s.Conflicts) }},
	{"writes_refused", "How many causes there are for which writes are refused while reads go on; 0: writes are taken.", func(s *scrape) float64 { return float64(refusing(&s.Status)) }},
	{"unsendable_peers", "Peers to which a write is too large to be sent.", func(s *scrape) float64 { return float64(unsendable(s.peers)) }},
	{"disk_min_free_bytes", "How much of the disk is kept free: with less no writes are taken.", func(s *scrape) float64 { return float64(s.Disk.MinFreeBytes) }},
	{"disk_call_seconds", "Age of the oldest write or sync of a file that has not returned.", func(s *scrape) float64 { return s.Disk.CallSeconds }},
	{"disk_slowest_call_seconds", "The slowest write or sync of a file in the last ten seconds.", func(s *scrape) float64 { return s.Disk.SlowestSeconds }},
	{"disk_slow", "1 if the disk is so slow that clients are better sent elsewhere.", func(s *scrape) float64 { return truth(s.Disk.Slow) }},
	{"scrub_bytes_total", "Bytes of the store that were read to find damage.", func(s *scrape) float64 { return float64(s.Disk.Scrub.Bytes) }},
	{"scrub_rounds_total", "How often all of the store was read to find damage.", func(s *scrape) float64 { return float64(s.Disk.Scrub.Rounds) }},
	{"scrub_damaged_places", "Places of the store that were found damaged since this process began.", func(s *scrape) float64 { return float64(s.Disk.Scrub.Places) }},
	{"repair_rounds_total", "How often this leader compared what it holds with the other leaders, by itself.", func(s *scrape) float64 { return float64(s.Repair.Rounds) }},
	{"repair_keys_total", "Keys that were compared with another leader's.", func(s *scrape) float64 { return float64(s.Repair.Keys) }},
	{"repair_explained_total", "Keys that differed because ops were under way.", func(s *scrape) float64 { return float64(s.Repair.Explained) }},
	{"repair_mended_total", "Keys that were not what their ops fold into, and were mended.", func(s *scrape) float64 { return float64(s.Repair.Mended) }},
	{"repair_theirs_total", "Keys that another leader held wrongly, which it mends itself.", func(s *scrape) float64 { return float64(s.Repair.Theirs) }},
	{"repair_undecided_total", "Keys that two leaders hold differently and nobody knows which is right.", func(s *scrape) float64 { return float64(s.Repair.Undecided) }},
	{"peers_omitted", "Peers without series of their own, because there are too many.", func(s *scrape) float64 { return float64(max(0, len(s.peers)-maxPeers)) }},
	{"last_backup_timestamp_seconds", "The moment that the last backup of this leader shows, in seconds since 1970; 0: none was taken.", func(s *scrape) float64 { return s.Backup.Unix() }},
	{"last_backup_bytes", "What the files of the store had that are in it.", func(s *scrape) float64 { return float64(s.Backup.Bytes) }},
	{"last_backup_duration_seconds", "How long it took.", func(s *scrape) float64 { return s.Backup.Seconds }},
	{"backup_running", "1 while a client takes a backup.", func(s *scrape) float64 { return truth(s.Backup.Running) }},
	{"log_collectable_bytes", "What of the write-ahead log is outside of history and known everywhere, and about to be removed.", func(s *scrape) float64 { return float64(s.Log.CollectableBytes) }},
	{"log_stable_ops", "Ops that every member is known to hold durably.", func(s *scrape) float64 { return float64(s.Log.StableOps) }},
	{"log_removed_ops", "Ops that the write-ahead log does not keep any more.", func(s *scrape) float64 { return float64(s.Log.RemovedOps) }},
	{"state_transfer_bytes", "What is here of the state of another leader that is being fetched; 0: none is.", func(s *scrape) float64 { return float64(s.Transfer.Bytes) }},
	{"state_transfer_total_bytes", "How large that state is; 0: none is being fetched.", func(s *scrape) float64 { return float64(s.Transfer.TotalBytes) }},
	{"state_transfer_failed", "1 if the state of another leader is needed, and could not be fetched the last time.", func(s *scrape) float64 { return truth(s.Transfer.Failed != "") }},
	{"deleted_keys", "Keys of which nothing is left but that they were deleted.", func(s *scrape) float64 { return float64(s.Deletions.Keys) }},
	{"tombstones", "Deletions that are kept, of those keys and of others, because a write that comes late might lose to them.", func(s *scrape) float64 { return float64(s.Deletions.Tombstones) }},
	{"counter_voids", "Additions to counters that are noted as counted under another dot, because two leaders had accepted one request.", func(s *scrape) float64 { return float64(s.Deletions.Voids) }},
	{"deleted_keys_dropped_total", "Deleted keys of which nothing is left any more: nobody could need it.", func(s *scrape) float64 { return float64(s.Deletions.Dropped) }},
	{"ledger_rows", "Lost writes that the ledger holds.", func(s *scrape) float64 { return float64(s.Ledger.Rows) }},
	{"ledger_bytes", "What those rows take on disk.", func(s *scrape) float64 { return float64(s.Ledger.Bytes) }},
	{"feed_readers", "Readers that listen to losses as they happen; a client counts once for each channel.", func(s *scrape) float64 { return float64(s.Feeds.Readers) }},
	{"feed_missed_total", "Messages that readers were passed over with, because they read too slowly.", func(s *scrape) float64 { return float64(s.Feeds.Missed) }},
}

// judgedClocks is what is shown of a judgement of clocks.
type judgedClocks struct{ heard, split, min, median, max float64 }

func judgement(s *scrape) judgedClocks {
	j := s.Clock.Judged
	if j == nil {
		return judgedClocks{}
	}
	return judgedClocks{float64(j.Heard), truth(j.State == "split"), j.Min, j.Median, j.Max}
}

// perPeer is a metric that has a series for each peer, as [single] is.
type perPeer struct {
	name, help string
	value      func(p *Peer) float64
}

var perPeers = []perPeer{
	{"peer_up", "1 if gossip says that the peer is alive.", func(p *Peer) float64 { return truth(p.Alive) }},
	{"peer_suspicion_phi", "How sure it is that the peer is gone, from when it was heard over the link: 3 suspects it, 8 takes it for gone.", func(p *Peer) float64 { return p.Phi }},
	{"peer_link_up", "1 if what is sent to the peer leaves.", func(p *Peer) float64 { return truth(p.LinkUp) }},
	{"peer_lag_ops", "Ops applied here, whoever accepted them, that the peer is not known to have.", func(p *Peer) float64 { return float64(p.LagOps) }},
	{"peer_ahead_ops", "Ops that the peer is known to have and that are not applied here.", func(p *Peer) float64 { return float64(p.AheadOps) }},
	{"peer_lag_seconds", "How long ago the oldest of those was applied here, to about a quarter; of those from before this process, how long it has run.", func(p *Peer) float64 { return p.LagSeconds }},
	{"peer_queue_bytes", "Bytes that wait to be sent to the peer.", func(p *Peer) float64 { return float64(p.QueueBytes) }},
	{"peer_pinned_bytes", "What of the write-ahead log would be removed if the peer were known to hold everything.", func(p *Peer) float64 { return float64(p.PinnedBytes) }},
	{"peer_outpaced", "1 if the peer needs ops that the write-ahead log does not keep any more.", func(p *Peer) float64 { return truth(p.Outpaced) }},
	{"peer_unsendable", "1 if a write is too large to be sent to the peer and holds up those after it; /status says which.", func(p *Peer) float64 { return truth(p.Unsendable != nil) }},
	{"published_sent_total", "Messages that clients published here and that were sent to the peer.", func(p *Peer) float64 { return float64(p.Published.Sent) }},
	{"published_dropped_total", "Messages that were not sent to the peer: its link was down or cut, or too many waited. They are not sent later.", func(p *Peer) float64 { return float64(p.Published.Dropped) }},
}

// Metrics that have other labels.
var (
	clockOffset = desc("peer_clock_offset_seconds", "Where the peer's clock may stand against ours; positive: ahead.", "peer", "edge")
	diskFree    = desc("disk_free_bytes", "What the file system of the data directory has left for this leader.")
	diskSize    = desc("disk_size_bytes", "How large that file system is.")
	evicted     = desc("ledger_evicted_total", "Losses that the ledger gave up to stay within its size, or for their age; they are counted, and can no longer be told or restored from it.", "resolver", "relation")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("kvd_"+name, help, labels, nil)
}

// gauges are the metrics that are asked for rather than counted: each scrape
// reads the source once, so that peers that are gone have no series.
type gauges struct {
	source          Source
	single, perPeer []*prometheus.Desc // as singles and perPeers are
}

func newGauges(s Source) *gauges {
	g := &gauges{source: s}
	for _, m := range singles {
		g.single = append(g.single, desc(m.name, m.help))
	}
	for _, m := range perPeers {
		g.perPeer = append(g.perPeer, desc(m.name, m.help, "peer"))
	}
	return g
}

// Describe lists the metrics, not their series.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range slices.Concat(g.single, g.perPeer, []*prometheus.Desc{clockOffset, diskFree, diskSize, evicted}) {
		to <- d
	}
}

func (g *gauges) Collect(to chan<- prometheus.Metric) {
	s := scrape{Status: g.source.Status(), ready: len(g.source.Ready()) == 0}
	s.peers = slices.CompactFunc(sorted(s.Peers), func(a, b Peer) bool { return a.Name == b.Name })
	for i, m := range singles {
		to <- constant(g.single[i], kindOf(m.name), m.value(&s))
	}
	for i := range s.peers[:min(len(s.peers), maxPeers)] {
		p := &s.peers[i]
		for j, m := range perPeers {
			to <- constant(g.perPeer[j], kindOf(m.name), m.value(p), p.Name)
		}
		if p.Clock != nil {
			to <- constant(clockOffset, prometheus.GaugeValue, p.Clock.Earliest, p.Name, "earliest")
			to <- constant(clockOffset, prometheus.GaugeValue, p.Clock.Latest, p.Name, "latest")
		}
	}
	if free, size := s.Usage.DiskFree, s.Usage.DiskBytes; free != nil && size != nil {
		to <- constant(diskFree, prometheus.GaugeValue, float64(*free))
		to <- constant(diskSize, prometheus.GaugeValue, float64(*size))
	}
	collectEvicted(to, s.Ledger.Evicted)
}

func unsendable(peers []Peer) (n int) {
	for i := range peers {
		if peers[i].Unsendable != nil {
			n++
		}
	}
	return n
}

func kindOf(name string) prometheus.ValueType {
	if strings.HasSuffix(name, "_total") {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}

// collectEvicted gives every resolver its series, evicted or not.
func collectEvicted(to chan<- prometheus.Metric, all []Evicted) {
	names := resolverNames()
	counts := make([][len(lostRelations)]int64, len(names))
	for _, e := range all {
		id := slices.Index(names, e.Resolver)
		if id < 0 {
			id = len(names) - 1
		}
		if r := slices.IndexFunc(lostRelations[:], func(r resolve.Relation) bool { return r.String() == e.Relation }); r >= 0 {
			counts[id][r] += e.Losses
		}
	}
	for id, name := range names {
		for r, relation := range lostRelations {
			to <- constant(evicted, prometheus.CounterValue, float64(counts[id][r]), name, relation.String())
		}
	}
}

func constant(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(d, kind, value, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(d, err) // a name that is not UTF-8 costs its own series
	}
	return m
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
