/* Shows the list of a gltracker.
 *
 *     cc -o client client.c
 *     ./client tracker.example:23471 list|follow|watch [condition...]
 *
 * list asks once, follow asks every 2 s what has changed, and watch is told. */
#include "gltracker-list.h"

static char conditions[GT_WORDS];
static double delay; /* seconds before it connects again */
static const char *loss;

/* The most players first, and last those that may be gone. */
static int compare(const void *one, const void *other) {
    char stale[2][256] = {"", ""}, players[2][256] = {"", ""};
    gt_value(one, "stale", stale[0]);
    gt_value(other, "stale", stale[1]);
    gt_value(one, "nbplayers", players[0]);
    gt_value(other, "nbplayers", players[1]);
    if (!stale[0][0] != !stale[1][0])
        return stale[0][0] ? 1 : -1;
    int first = atoi(players[0]), second = atoi(players[1]);
    return (second > first) - (second < first);
}

/* Prints the list, and `end` behind it. */
static void show(gt_lines *servers, const char *end) {
    if (servers->count > 0)
        qsort(servers->at, servers->count, GT_LINE, compare);
    for (size_t i = 0; i < servers->count; i++) {
        const char *line = servers->at[i];
        char players[256] = "?", places[256] = "?", text[256] = "?", stale[256] = "";
        char address[GT_LINE];
        gt_address(line, address);
        gt_value(line, "nbplayers", players);
        gt_value(line, "maxplayers", places);
        gt_value(line, "description", text);
        gt_value(line, "stale", stale);
        printf("%s %s/%s %s%s\n", address, players, places, text, *stale ? " stale" : "");
    }
    printf("%s", end);
    fflush(stdout);
}

/* One connection, until it is lost or the tracker says ERR. True if the list was to be had once. */
static bool converse(gt_link *tracker, gt_list *list, const char *mode) {
    bool is_once = strcmp(mode, "list") == 0, is_watching = strcmp(mode, "watch") == 0;
    char question[2 * GT_WORDS], line[GT_LINE];
    double heard = gt_now(), asks_at = 0;
    double patience = is_watching ? 45 : is_once ? 15 : 17;
    int got = gt_open(tracker) ? 0 : -1;
    gt_forget_news(list);
    while (got >= 0 && !list->error[0] && gt_now() < heard + patience) {
        struct pollfd ready = {tracker->fd, POLLIN, 0};
        snprintf(question, sizeof question, "%s since=%s%s%s", is_watching ? "WATCH" : "LIST",
                 list->revision, conditions, is_once ? "\nQUIT" : "");
        if (asks_at > 0 && gt_now() > asks_at) {
            gt_say(tracker, question);
            asks_at = 0;
        }
        got = gt_line(tracker, question, line);
        if (got == 0)
            poll(&ready, 1, 100);
        if (!tracker->has_heard || (is_watching && got > 0))
            heard = gt_now(); /* The answer to LIST is to be whole in time, however many lines come. */
        if (got > 0 && gt_take_list(list, line)) {
            delay = 0;
            heard = gt_now();
            asks_at = is_watching ? 0 : gt_now() + 2;
            if (list->has_changed)
                show(&list->servers, is_once ? "" : "\n");
            if (is_once)
                return true;
        }
    }
    loss = got < 0 ? gt_loss(tracker) : "the tracker says nothing, or does not end";
    gt_close(tracker);
    return false;
}

int main(int count, char **words) {
    static gt_link tracker = {.port = "23471"};
    static gt_list list;
    const char *mode = count > 2 ? words[2] : "";
    if (count < 3 || !gt_take_apart(words[1], &tracker.host, &tracker.port) ||
        !gt_is_one_of(mode, " list follow watch ")) {
        fputs("client host:port list|follow|watch [condition...]\n", stderr);
        return 2;
    }
    for (int i = 3; i < count; i++) {
        char *value = strchr(words[i], '=');
        if (value)
            *value++ = '\0';
        if (!gt_add(conditions, words[i], value))
            return fputs("client: there are too many conditions\n", stderr), 2;
    }
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    while (!converse(&tracker, &list, mode)) {
        bool is_full = gt_is_one_of(list.error, " busy too-many ");
        int wait = gt_wait_in(list.error);
        delay = delay < 1 ? 1 : delay > 20 ? 40 : 2 * delay;
        fprintf(stderr, "no list: %s\n", list.error[0] ? list.error : loss);
        if (strcmp(mode, "list") == 0 || (list.error[0] && !is_full))
            return 1;
        if (is_full)
            mode = "follow"; /* there may be no slot for a watcher */
        sleep(wait ? (unsigned)wait : (unsigned)(delay * (0.5 + gt_chance())) + 3 * is_full);
    }
    return 0;
}
