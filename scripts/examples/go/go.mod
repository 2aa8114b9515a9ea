module example/gltracker

go 1.19
