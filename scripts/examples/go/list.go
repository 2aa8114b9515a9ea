// The list: asked for once, again and again, or watched.

package gltracker

import (
	"errors"
	"net"
	"strings"
	"time"
)

// List is a tracker's list. It is true after each answer.
type List struct {
	Tracker
	Servers    map[string]Fields // by address
	conditions string
	revision   string
	news       map[string]Fields // what has come since the last END; nil is GONE
}

// Conditions are as a user writes them, as in `map=old town`.
func (list *List) Conditions(words ...string) {
	for _, word := range words {
		key, value, isField := strings.Cut(word, "=")
		list.conditions += " " + key
		if isField {
			list.conditions += "=" + quoted(value)
		}
	}
}

// take takes a line; true at the end of an answer.
func (list *List) take(line string) (bool, error) {
	verb, rest, _ := strings.Cut(line, " ")
	fields := ParseFields(rest)
	address := net.JoinHostPort(fields["ip"], fields["port"])
	isEntry := fields["ip"] != "" && fields["port"] != ""
	switch {
	case len(list.news) > 100_000:
		return false, errors.New("that is no tracker: its list does not end")
	case verb == "ERR":
		return false, Refusal(rest)
	case verb == "INFOS" && isEntry:
		list.news[address] = fields
	case verb == "GONE" && isEntry:
		list.news[address] = nil
	case verb == "END":
		if _, isRecent := fields["since"]; !isRecent || list.Servers == nil {
			list.Servers = map[string]Fields{}
		}
		for address, fields := range list.news {
			if list.Servers[address] = fields; fields == nil {
				delete(list.Servers, address)
			}
		}
		list.revision, list.news = fields["rev"], map[string]Fields{}
		return true, nil
	}
	return false, nil
}

// Once asks once.
func (list *List) Once() error {
	list.news = map[string]Fields{}
	conn, err := list.Dial("LIST" + list.conditions + "\nQUIT")
	if err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(15 * time.Second)) // however many lines come
	lines := conn.Lines()
	defer conn.leave(lines)
	for line := range lines {
		if isEnd, err := list.take(line); isEnd || err != nil {
			return err
		}
	}
	return errors.New("the answer was cut off")
}

// Stay says LIST every so often, or WATCH if that is 0, and calls show after each answer. It
// returns why the connection ended.
func (list *List) Stay(every time.Duration, show func()) error {
	list.news = map[string]Fields{}
	verb, silence := "LIST", 15*time.Second+every
	if every == 0 {
		verb, silence = "WATCH", 45*time.Second // a watcher hears something every 30 s
	}
	question := func() string { return verb + " since=" + list.revision + list.conditions }
	conn, err := list.Dial(question())
	if err != nil {
		return err
	}
	lines := conn.Lines()
	defer conn.leave(lines)
	// The answer to LIST is to be whole by then, however many lines come.
	deadline := time.After(silence)
	var next <-chan time.Time
	for {
		select {
		case line, isOpen := <-lines:
			if !isOpen {
				return errors.New("the tracker hung up")
			}
			isEnd, err := list.take(line)
			if err != nil {
				return err
			}
			if isEnd || every == 0 {
				deadline = time.After(silence)
			}
			if isEnd {
				show()
			}
			if isEnd && every > 0 {
				next = time.After(every)
			}
		case <-next:
			conn.Say(question())
		case <-deadline:
			return errors.New("the tracker says nothing, or does not end")
		}
	}
}
