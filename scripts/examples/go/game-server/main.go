// Keeps a game server on the list of a gltracker.
//
//	GLTRACKER_PASSWORD=secret go run ./game-server tracker.example:23470 23460 nbplayers=0
//
// With GLTRACKER_KEY=name it logs in with a key, whose secret the password is. A line on standard
// input such as nbplayers=3 is an update, and the line quit ends it.
package main

import (
	"bufio"
	"example/gltracker"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "game-server host:port port [key=value...]")
		os.Exit(2)
	}
	tracker, err := gltracker.NewTracker(os.Args[1], "23470")
	if err != nil {
		fmt.Fprintln(os.Stderr, "game-server:", err)
		os.Exit(2)
	}
	game := &gltracker.GameServer{
		Tracker:  tracker,
		Password: os.Getenv("GLTRACKER_PASSWORD"),
		Key:      os.Getenv("GLTRACKER_KEY"),
		Leave:    make(chan struct{}),
		Say:      func(what string) { fmt.Println(what) },
	}
	game.Port, _ = strconv.Atoi(os.Args[2])
	update := func(word string) {
		if key, value, isField := strings.Cut(word, "="); isField {
			game.Update(key, value)
		}
	}
	for _, word := range os.Args[3:] {
		update(word)
	}
	go func() {
		for input := bufio.NewScanner(os.Stdin); input.Scan(); update(input.Text()) {
			if input.Text() == "quit" {
				close(game.Leave)
				return
			}
		}
	}()
	if err := game.Run(); err != nil {
		game.Say("refused " + err.Error())
		os.Exit(1)
	}
}
