// Shows the list of a gltracker.
//
//	go run ./client tracker.example:23471 list|follow|watch [condition...]
//
// list asks once, follow asks every 2 s what has changed, and watch is told.
package main

import (
	"errors"
	"example/gltracker"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

// shown has the most players first, and last those that may be gone.
func shown(list *gltracker.List) string {
	addresses := []string{}
	for address := range list.Servers {
		addresses = append(addresses, address)
	}
	rank := func(i int) (int, string) {
		fields := list.Servers[addresses[i]]
		players, _ := strconv.Atoi(fields["nbplayers"])
		if fields["stale"] != "" {
			players -= 1 << 20
		}
		return -players, addresses[i]
	}
	sort.Slice(addresses, func(i, j int) bool {
		one, first := rank(i)
		other, second := rank(j)
		return one < other || one == other && first < second
	})
	text := ""
	for _, address := range addresses {
		field := func(key string) string {
			if value, isThere := list.Servers[address][key]; isThere {
				return value
			}
			return "?"
		}
		text += fmt.Sprintf("%s %s/%s %s", address, field("nbplayers"), field("maxplayers"),
			field("description"))
		if field("stale") == "yes" {
			text += " stale"
		}
		text += "\n"
	}
	return text
}

func main() {
	if len(os.Args) < 3 || !strings.Contains(" list follow watch ", " "+os.Args[2]+" ") {
		fmt.Fprintln(os.Stderr, "client host:port list|follow|watch [condition...]")
		os.Exit(2)
	}
	tracker, err := gltracker.NewTracker(os.Args[1], "23471")
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(2)
	}
	mode := os.Args[2]
	list := &gltracker.List{Tracker: tracker}
	list.Conditions(os.Args[3:]...)
	if mode == "list" {
		if err := list.Once(); err != nil {
			fmt.Fprintln(os.Stderr, "no list:", err)
			os.Exit(1)
		}
		fmt.Print(shown(list))
		return
	}
	every := map[string]time.Duration{"follow": 2 * time.Second}[mode]
	last, delay := "none", time.Second
	for {
		err := list.Stay(every, func() {
			if text := shown(list); text != last {
				fmt.Println(text)
				last = text
			}
			delay = time.Second
		})
		fmt.Fprintln(os.Stderr, "lost:", err)
		wait := gltracker.Varied(delay)
		if delay *= 2; delay > 40*time.Second {
			delay = 40 * time.Second
		}
		var refusal gltracker.Refusal
		if errors.As(err, &refusal) {
			if refusal.Code() != "busy" && refusal.Code() != "too-many" {
				os.Exit(1)
			}
			every = 2 * time.Second // there may be no slot for a watcher
			if wait += 3 * time.Second; refusal.Wait() > 0 {
				wait = refusal.Wait()
			}
		}
		time.Sleep(wait)
	}
}
