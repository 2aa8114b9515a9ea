/* The words in the lines of a gltracker: values and errors. */
#ifndef GLTRACKER_WORDS_H
#define GLTRACKER_WORDS_H
#include "gltracker.h"

/* Puts ` key=value` behind what is in `line`, in quotes if it must be; false if it has no room. */
static inline bool gt_add(char line[GT_WORDS], const char *key, const char *value) {
    char text[256] = "", *out = line + strlen(line);
    bool is_quoted;
    gt_copy(text, sizeof text, value ? value : "");
    is_quoted = strpbrk(text, " \"");
    if (strlen(key) + 2 * strlen(text) + 5 > (size_t)(line + GT_WORDS - out))
        return false;
    out += sprintf(out, " %s%s%s", key, value ? "=" : "", is_quoted ? "\"" : "");
    for (const char *at = text; *at; at++) {
        if (is_quoted && strchr("\"\\", *at))
            *out++ = '\\';
        *out++ = *at;
    }
    strcpy(out, is_quoted ? "\"" : "");
    return true;
}

/* The fields of a game server: what they are, were last said to be, and were last taken to be. */
typedef struct {
    struct {
        char key[33], value[256], said[256], taken[256];
        bool has_changed, is_asked;
    } all[32];
    int count;
    bool have_changed;
} gt_fields;

/* An empty value removes a field. */
static inline void gt_set(gt_fields *fields, const char *key, const char *value) {
    int i = 0;
    while (i < fields->count && strcmp(fields->all[i].key, key) != 0)
        i++;
    if (i == 32)
        return;
    fields->count += i == fields->count;
    snprintf(fields->all[i].key, sizeof fields->all[i].key, "%s", key);
    gt_copy(fields->all[i].value, sizeof fields->all[i].value, value);
    fields->all[i].has_changed = fields->have_changed = true;
}

/* Puts behind what is in `line` the fields that have changed, or at first all that there are. One
 * for which it has no room is left for the next line. */
static inline void gt_add_fields(gt_fields *fields, char line[GT_WORDS], bool is_first) {
    fields->have_changed = false;
    for (int i = 0; i < fields->count; i++) {
        if (!is_first && !fields->all[i].has_changed)
            continue;
        if ((!is_first || fields->all[i].value[0]) &&
            !gt_add(line, fields->all[i].key, fields->all[i].value)) {
            fields->all[i].has_changed = fields->have_changed = true;
            continue;
        }
        strcpy(fields->all[i].said, fields->all[i].value);
        fields->all[i].is_asked = true;
        fields->all[i].has_changed = false;
    }
}

/* The tracker has taken what was said last, or has left everything as it was. */
static inline void gt_settle(gt_fields *fields, bool is_taken) {
    for (int i = 0; i < fields->count; i++) {
        if (fields->all[i].is_asked && is_taken)
            strcpy(fields->all[i].taken, fields->all[i].said);
        else if (fields->all[i].is_asked && !fields->all[i].has_changed)
            strcpy(fields->all[i].value, fields->all[i].taken);
        fields->all[i].is_asked = false;
    }
}

/* The value of a key in a line, without its quotes; false if it has no such key. */
static inline bool gt_value(const char *line, const char *key, char value[256]) {
    size_t length = strlen(key), used = 0;
    while (*(line += strcspn(line, " ")) == ' ') {
        bool is_it = strncmp(++line, key, length) == 0 && line[length] == '=', is_quoted;
        line += strcspn(line, "= ");
        line += *line == '=';
        is_quoted = *line == '"';
        for (line += is_quoted; *line && *line != (is_quoted ? '"' : ' '); line++) {
            line += is_quoted && *line == '\\' && line[1];
            if (is_it && used < 256 - 1)
                value[used++] = *line;
        }
        if (is_it)
            return value[used] = '\0', true;
    }
    return false;
}

/* The seconds that the text of an error asks to wait; 0 if it does not. */
static inline int gt_wait_in(const char *error) {
    int seconds = 0;
    while ((error = strstr(error, "wait ")) != NULL)
        if (sscanf(error += 5, "%4d s", &seconds) == 1 && seconds > 0)
            return seconds;
    return 0;
}

/* True if an error's code is one of these. */
static inline bool gt_is_one_of(const char *error, const char *codes) {
    char code[40] = " ";
    return sscanf(error, "%30s", code + 1) == 1 && strstr(codes, strcat(code, " "));
}

/* After these a game server that is listed stays so; before, they are final. */
static const char gt_mistakes[] =
    " unknown-command bad-syntax line-too-long not-text bad-value bad-ip ";

/* Seconds that a game server waits at least after an error; -1 if the error is final. */
static inline int gt_least_wait(const char *error, bool was_named, int udp_port) {
    if (strstr(error, "PROXY header"))
        return 60;
    if (gt_wait_in(error) > 0)
        return gt_wait_in(error);
    if (strstr(error, "took over"))
        return 600;
    if (gt_is_one_of(error, gt_mistakes) || gt_is_one_of(error, " bad-password taken banned "))
        return -1;
    if (gt_is_one_of(error, " unreachable "))
        return udp_port < 1024 ? -1 : 60;
    return !gt_is_one_of(error, " too-many ") ? 0 : was_named ? 60 : 5;
}
#endif
