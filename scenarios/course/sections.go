package course

// sections follow the headings of the chapter.
var sections = []Section{
	{
		Name: "partial", Heading: "Faults and Partial Failures",
		Text: `One machine works or it does not. Of many machines some fail while others go on, and
nobody can tell from outside what became of a request to one that does not answer. Look at
what a leader may have done when it was killed, when its disk is full, and when what it
alone had acknowledged is gone.`,
		Scenarios: []string{"crash-before-ack", "lost-disk", "full-disk"},
		Exercises: []Exercise{
			{Name: "partial-1", Free: "at * heal"},
			{Name: "partial-2", Free: "check value x = *"},
		},
	},
	{
		Name: "networks", Heading: "Unreliable Networks",
		Text: `A message may be lost, delayed, doubled or overtaken, and so may its answer. Replication
must come to the same end all the same: by another way, by sending again, and by knowing
a request that comes twice.`,
		Scenarios: []string{"lossy-links", "relay", "lost-reply", "two-generals"},
		Exercises: []Exercise{
			{Name: "networks-1", Free: "at 500ms cut n*>n*"},
			{Name: "networks-2", Free: "check value x = * for counter"},
		},
	},
	{
		Name: "clocks", Heading: "Clock Synchronization and Accuracy",
		Text: `Clocks drift, are put right by steps, and can be wrong by an hour without anybody noticing.
A store that orders writes by them loses what comes after the step back, or all that comes
while a stamp from the future stands.`,
		Scenarios: []string{"clock-step-back", "poisoned-key", "poisoned-delete", "strobing-clock"},
		Exercises: []Exercise{
			{Name: "clocks-1", Free: "check lost x = * for lww"},
			{Name: "clocks-2", Free: "check lost x = * for lww"},
		},
	},
	{
		Name: "timestamps", Heading: "Timestamps for Ordering Events",
		Text: `The figure of the chapter: B's write follows from A's, and last-write-wins keeps A's, since
A's leader has a clock that is ahead by more than the time between the two. Logical clocks
order what follows from each other; what does not, no clock can order.`,
		Scenarios: []string{"ddia-8-3", "equal-stamps", "three-way-increment", "hot-set"},
		Exercises: []Exercise{
			{Name: "timestamps-1", Free: "clock n1 offset=+*"},
			{Name: "timestamps-2", Free: "after w1 seen by n3 * B update x +1 as w2"},
		},
	},
	{
		Name: "intervals", Heading: "Clock Readings Have a Confidence Interval",
		Text: `A reading of a clock is an interval in which true time lies, if the clock knows itself. The
resolver interval throws a write away only when another's interval lies wholly after it. It
keeps more than last-write-wins, as long as nobody's bound lies.`,
		Scenarios: []string{"equal-stamps", "ddia-8-3", "poisoned-key"},
		Exercises: []Exercise{
			{Name: "intervals-1", Free: "clock * error=*"},
			{Name: "intervals-2", Free: "clock n1 offset=+20ms*"},
		},
	},
	{
		Name: "pauses", Heading: "Process Pauses",
		Text: `A process may stand still at any line, for a minute, and not know it: when it goes on, what
it knew was true a minute ago. A lock that lasts for a time is over by then, and somebody
else may have it. A look at the clock before the write does not help, since the process may
stand still between the look and the write.`,
		Scenarios: []string{"lease-without-fencing", "paused-leader"},
		Exercises: []Exercise{
			{Name: "pauses-1", Free: "at 2s A update x +1 pause=* under job as late"},
			{Name: "pauses-2", Free: "check * x = * for *"},
		},
	},
	{
		Name: "majority", Heading: "The Truth Is Defined by the Majority",
		Text: `A store with many leaders does not ask a majority: both sides of a partition go on. What
they wrote meets afterwards, and what becomes of it is the resolver's to say. What only one
may have, a lock, is for a majority to give, and on the side of the minority nobody has it.`,
		Scenarios: []string{"minority-side", "split-lock", "delete-against-update", "mass-deletes"},
		Exercises: []Exercise{
			{Name: "majority-1", Free: "check * x = * for *"},
			{Name: "majority-2", Free: "policy *:=*"},
		},
	},
	{
		Name: "fencing", Heading: "Fencing Tokens",
		Text: `Each time that a lock is given, its token is greater. Who is written to refuses what comes
under a token that is over: then the one that stood still is told so, instead of being
trusted. A lock by a majority of timers has no such token, and may have two holders.`,
		Scenarios: []string{"lease-without-fencing", "lease-with-fencing", "retried-acquire", "redlock-shape"},
		Exercises: []Exercise{
			{Name: "fencing-1", Free: "at 2s A update x +1 pause=30s * job as late"},
			{Name: "fencing-2", Free: "at * B *lock job*", More: true},
		},
	},
	{
		Name: "lies", Heading: "Weak Forms of Lying",
		Text: `Nobody here means harm, and yet disks return other bits than they were given, and leaders
come back with the memory of last week, or as two that believe to be one. Checksums, and
what the others have witnessed, tell.`,
		Scenarios: []string{"log-rot", "old-backup", "rollback-unseen", "cloned-directory"},
		Exercises: []Exercise{
			{Name: "lies-1", Free: "at * backup n1 as b"},
			{Name: "lies-2", Free: "check durability = *"},
		},
	},
	{
		Name: "safety", Heading: "Safety and Liveness",
		Text: `A safety property that broke at one moment is broken for ever; a liveness property may
always still come true. The checks of a script are judged so: the first at every moment,
the second after everything has settled.`,
		Scenarios: []string{"stale-session", "cause-before-effect", "resurrection"},
		Exercises: []Exercise{
			{Name: "safety-1", Free: "client A at=n1*"},
			{Name: "safety-2", Free: "at * heal", More: true},
		},
	},
}
