/* The heap: the least key comes first, whatever was put, moved and taken out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/heap.h"
#include "base/rng.h"

enum { NODES = 300 };

static void it_starts_empty(void **state)
{
    (void)state;
    struct heap heap;
    heap_init(&heap);
    assert_null(heap_first(&heap));
    struct heap_node node;
    heap_node_init(&node);
    heap_remove(&heap, &node);
    assert_int_equal(heap_put(&heap, &node, 5), OK);
    assert_ptr_equal(heap_first(&heap), &node);
    heap_done(&heap);
    assert_int_equal(node.place, HEAP_OUT);
}

static int64_t least(const struct heap_node *nodes)
{
    int64_t key = INT64_MAX;
    for (int i = 0; i < NODES; i++)
        if (nodes[i].place != HEAP_OUT && nodes[i].key < key)
            key = nodes[i].key;
    return key;
}

static void the_first_is_the_least_through_puts_moves_and_removals(void **state)
{
    (void)state;
    struct heap_node nodes[NODES];
    struct rng rng = rng_of(3);
    struct heap heap;
    heap_init(&heap);
    for (int i = 0; i < NODES; i++)
        heap_node_init(&nodes[i]);
    for (int i = 0; i < 20000; i++) {
        struct heap_node *node = &nodes[rng_below(&rng, NODES)];
        if (rng_below(&rng, 3)) {
            assert_int_equal(heap_put(&heap, node, (int64_t)rng_below(&rng, 1000) - 500), OK);
        } else {
            heap_remove(&heap, node);
            assert_int_equal(node->place, HEAP_OUT);
        }
        if (heap.count)
            assert_int_equal(heap_first(&heap)->key, least(nodes));
    }
    int64_t before = INT64_MIN;
    for (struct heap_node *first; (first = heap_first(&heap)); heap_remove(&heap, first)) {
        assert_true(first->key >= before);
        before = first->key;
    }
    heap_done(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_empty),
        cmocka_unit_test(the_first_is_the_least_through_puts_moves_and_removals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
