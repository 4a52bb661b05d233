/* Preloaded into a program, gives it 100 MiB that nobody needs: words that lead into them, and noise. */
#include <stdlib.h>
#include <sys/mman.h>

unsigned long *ballast;

__attribute__((constructor)) static void fill(void)
{
    unsigned long words = 100ul << 17, noise = 88172645463325252;
    ballast = mmap(NULL, words * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ballast == MAP_FAILED)
        abort();
    for (unsigned long i = 0; i < words; i++) {
        noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
        ballast[i] = i % 3 ? (unsigned long)(ballast + noise % words) : noise;
    }
}
