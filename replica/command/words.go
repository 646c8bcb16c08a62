package command

import (
	"kvd/replica/command/edit"
	"kvd/replica/resp/server"
)

// wordsOf is what the call's options are read from.
func wordsOf(k *server.Call) edit.Words { return edit.Words{Args: k.Args, Clock: k.Config().Clock} }
