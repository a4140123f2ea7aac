"""What an image endpoint must survive, and the tests that prove it: the rows of the project's list of threats."""

THREATS: dict[str, tuple[str, ...]] = {
    "body flood": (
        "hostile.test_sockets::test_a_declared_flood_is_refused_before_it_comes",
        "hostile.test_sockets::test_who_asks_whether_to_continue_is_told",
        "hostile.test_sockets::test_floods_leave_the_memory_as_it_was",
        "test_routes_questions::test_a_body_that_announces_too_much",
        "test_routes_questions::test_a_body_that_streams_too_much",
        "test_routes_questions::test_a_form_that_streams_too_much",
    ),
    "multipart bombs (CVE-2024-47874, 2025-54121, 2026-54283; python-multipart 2024-53981, 2026-42561, 2026-53537)": (
        "hostile.test_bombs::test_a_form_that_is_none_is_a_400",
        "hostile.test_bombs::test_a_form_with_much_around_its_file_is_read",
        "hostile.test_sockets::test_ten_thousand_headers_are_no_burden",
        "test_routes_questions::test_malformed_forms",
        "soak.bombs::measure",
    ),
    "slow clients": (
        "hostile.test_edge::test_slow_sockets_keep_nobody_out",
        "soak.slow::measure",
    ),
    "stuck shutdown": ("hostile.test_sockets::test_half_a_body_does_not_hold_up_the_end",),
    "pixel bomb": (
        "hostile.test_bombs::test_a_picture_that_claims_too_many_pixels_is_refused",
        "hostile.test_bombs::test_the_largest_pictures_are_small_uploads_and_are_read",
        "hostile.test_bombs::test_metadata_that_unpacks_to_much_is_refused",
        "test_pictures::test_too_many_pixels_are_refused_before_they_are_decoded",
        "test_pictures::test_a_decompression_bomb_is_refused",
        "soak.bombs::measure",
    ),
    "format confusion": (
        "test_pictures::test_other_formats_are_refused",
        "test_pictures::test_what_is_no_bitmap_is_refused",
        "test_pictures::test_a_multi_picture_jpeg_is_refused",
        "hostile.test_decoder::test_what_does_not_start_as_a_picture_is_none",
        "hostile.test_decoder::test_what_hangs_on_a_picture_is_not_looked_at",
        "test_routes_questions::test_a_raw_body_is_read_like_a_form",
    ),
    "animated pictures": ("test_pictures::test_animated_pictures_are_refused",),
    "corrupt files": (
        "test_pictures::test_a_file_cut_at_any_byte_never_gives_wrong_pixels",
        "hostile.test_decoder::test_a_png_that_is_built_like_one_is_read_or_refused",
        "hostile.test_decoder::test_a_damaged_picture_is_read_or_refused",
        "hostile.test_openapi::test_schemathesis_finds_nothing_with_damaged_pictures",
        "soak.decoder::measure",
        "soak.openapi::measure",
    ),
    "silently wrong pixels": (
        "hostile.test_encodings::test_a_lossless_encoding_changes_nothing",
        "hostile.test_encodings::test_a_coarser_encoding_changes_little",
        "test_pictures::test_sixteen_bits_are_scaled_not_clipped",
        "test_pictures::test_exif_orientation_is_applied",
        "test_pictures::test_transparent_paper_is_what_the_ink_stands_out_from",
    ),
    "CPU exhaustion": (
        "test_capacity::test_so_many_compute_so_many_wait_and_the_rest_is_refused",
        "test_capacity::test_beyond_capacity_a_request_is_told_to_come_back",
        "soak.healthz::measure",
        "soak.overload::measure",
    ),
    "pickle checkpoints": (
        "test_checkpoint_damage::test_refuses_a_file_that_is_cut_short",
        "test_checkpoint_damage::test_refuses_a_change_of_any_single_byte",
        "test_checkpoint_damage::test_never_unpickles",
        "test_app::test_a_damaged_checkpoint_stops_the_start",
        "soak.checkpoint::measure",
    ),
    "smuggling, bad Host, static traversal, Range storms": (
        "hostile.test_sockets::test_what_is_not_http_gets_one_400_and_the_door",
        "hostile.test_sockets::test_requests_in_a_row_get_their_answers_in_a_row",
        "hostile.test_sockets::test_any_host_without_the_setting",
        "hostile.test_sockets::test_only_trusted_hosts_with_the_setting",
        "hostile.test_sockets::test_a_path_that_leads_out_leads_nowhere",
        "hostile.test_sockets::test_a_thousand_ranges_bring_no_more_than_the_file",
    ),
    "error leakage, reflection": (
        "test_problems::test_what_nobody_foresaw_says_nothing",
        "test_routes_questions::test_nothing_of_the_file_name_comes_back",
        "test_doors::test_a_browser_may_do_nothing_with_an_answer",
        "hostile.test_decoder::test_damaged_metadata_leaves_no_trace_in_the_log",
    ),
    "exposed metrics and docs": (
        "hostile.test_edge::test_metrics_and_docs_are_not_public",
        "test_doors::test_the_documentation_can_be_turned_off",
        "soak.slow::measure",
    ),
}

# The numbered goals beside the rows.
GOALS: dict[str, tuple[str, ...]] = {
    "1. 100,000 decoder inputs, 20,000 requests, Schemathesis": (
        "soak.decoder::measure",
        "soak.openapi::measure",
        "hostile.test_openapi::test_schemathesis_finds_nothing",
    ),
    "2. kill -9 of a worker under load": (
        "soak.kill::measure",
        "hostile.test_load::test_a_short_run_reaches_the_goals",
    ),
    "3. four times the capacity": ("soak.overload::measure",),
    "4. 200,000 mixed requests": ("soak.requests::measure", "hostile.test_load::test_a_short_run_reaches_the_goals"),
    "5. concurrent answers equal serial ones": (
        "soak.concurrent::measure",
        "hostile.test_load::test_a_short_run_reaches_the_goals",
    ),
    "6. single byte flips of a checkpoint": (
        "soak.checkpoint::measure",
        "test_checkpoint_damage::test_refuses_a_change_of_any_single_byte",
    ),
    "7. the container": (
        "e2e.test_container::test_a_plain_user_without_rights",
        "e2e.test_container::test_operators_paths_are_not_shown_at_the_edge",
    ),
}
