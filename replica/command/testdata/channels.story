# People's own channels. Who listens is counted by subscriptions, at this leader.
PUBLISH news nobody
PUBLISH kvd:news x
PUBLISH news
SUBSCRIBE news weather
@read 1
PSUBSCRIBE n* *
@read 1
@publish news two
@read 3
@publish weather rain
@read 2
# The leader's own channels fit no pattern that begins otherwise.
@tell kvd:losses unheard
UNSUBSCRIBE news
@publish news three
@read 2
PUNSUBSCRIBE
@read 1
@publish news unheard
@publish weather sun
@read 1
UNSUBSCRIBE
PUBSUB CHANNELS
@listen news
@listen nets
@listen kvd:losses
PUBSUB CHANNELS
PUBSUB CHANNELS n*s
PUBSUB NUMSUB news weather kvd:losses
PUBSUB SHARDCHANNELS
PUBSUB SHARDNUMSUB news
PUBSUB NUMPAT
PUBLISH news one
# In a transaction it is done with the rest.
MULTI
PUBLISH news two
SET a 2
PUBLISH nobody x
EXEC
SSUBSCRIBE news
SUNSUBSCRIBE
SPUBLISH news x
RESET
