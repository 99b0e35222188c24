/* What the program asks of functions.cu. */
#ifndef MB_FUNCTIONS_H
#define MB_FUNCTIONS_H

/* A line of JSON for each function. */
void print_accuracy(void);

#endif
