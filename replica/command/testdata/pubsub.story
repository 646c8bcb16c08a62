# Nobody listens yet.
PUBSUB CHANNELS
PUBSUB NUMSUB kvd:losses nowhere
PUBSUB NUMPAT
PUBSUB NUMSUB
UNSUBSCRIBE
UNSUBSCRIBE kvd:losses
PUNSUBSCRIBE
# Every name is confirmed with the number of subscriptions.
SUBSCRIBE kvd:losses kvd:losses:all
@read 1
SUBSCRIBE kvd:losses
@tell kvd:losses {"event":"lost"}
@read 1
# Pushes come between replies. What RESP2 allows now is little.
PING
PING hello
PING hello again
GET a
SET a 1
CLIENT ID
client list
CLIENT LIST TYPE normal
CLIENT LIST TYPE pubsub
MULTI
DISCARD
PUBLISH kvd:losses x
COMMAND COUNT
HELLO 4
NOSUCH
GET
# A pattern that fits gives a message of its own.
PSUBSCRIBE kvd:losses:* kvd:*
@read 1
@tell kvd:losses:all {"event":"retracted"}
@read 3
UNSUBSCRIBE nowhere
UNSUBSCRIBE
@read 1
PUNSUBSCRIBE kvd:*
@tell kvd:losses unheard
PUNSUBSCRIBE
PING
GET a
@new
# What is refused begins nothing.
SUBSCRIBE news kvd:loss
PSUBSCRIBE news.* kvd:x*
SUBSCRIBE
PUBSUB CHANNELS
PUBSUB WHO
PUBSUB
PUBLISH kvd:losses x
MULTI
SUBSCRIBE kvd:losses
EXEC
# RESET and QUIT end it.
SUBSCRIBE kvd:losses
RESET
GET a
PSUBSCRIBE *
QUIT
