"""Tests of an equation that do not name its function, since they ask for it through another one: file of tests, function."""

MOMENTS, CHIP, GDC = "spec/pcm/test_moments.py", "spec/pcm/test_chip.py", "spec/compensation/test_global_drift.py"
NOISE, OPERATORS = "spec/training/test_weight_noise.py", "spec/nn/test_operators.py"
SCHEDULES, AVERAGING = "spec/training/test_schedules.py", "spec/training/test_averaging.py"
BITS = ("fast/test_fast_chip.py", "test_kernels_and_specification_agree_bit_for_bit")

NAMED_TESTS = {
    8: ((OPERATORS, "test_conv2d_is_a_strided_cross_correlation"), (OPERATORS, "test_wrong_shapes_are_refused_in_one_sentence")),
    10: ((OPERATORS, "test_conv2d_backward_is_the_gradient"),),
    12: ((OPERATORS, "test_batch_norm_training_backward_is_the_gradient"),),
    14: ((OPERATORS, "test_running_statistics_move_by_a_tenth"),),
    26: (("spec/test_network.py", "test_every_gradient_of_a_whole_network_is_numeric"),),
    31: (("spec/pcm/test_device.py", "test_joshi2020_is_the_published_fit"),),
    32: ((MOMENTS, "test_programmed_conductances"), (MOMENTS, "test_the_idle_device_is_half_normal_at_the_sigma_of_zero"),
         (CHIP, "test_idle_devices_are_exactly_zero_on_request"), BITS),
    33: ((CHIP, "test_the_stuck_share_sits_at_uniform_conductances"), BITS),
    34: (("spec/pcm/test_device.py", "test_joshi2020_is_the_published_fit"), (MOMENTS, "test_drift_exponents"), BITS),
    35: ((MOMENTS, "test_drift_follows_the_power_law"), BITS),
    36: (("spec/pcm/test_device.py", "test_joshi2020_is_the_published_fit"),
         (CHIP, "test_read_noise_of_strong_programmed_devices_follows_the_programmed_value_on_request")),
    37: ((MOMENTS, "test_read_noise_grows_with_the_logarithm_of_time"),),
    38: ((MOMENTS, "test_read_noise"), BITS),
    42: (("spec/pcm/test_note2.py", "test_the_equations_are_those_of_the_record"),),
    44: ((CHIP, "test_read_noise_is_addressed_as_documented"),),
    45: ((CHIP, "test_a_collapsed_pair_holds_one_conducting_device"), BITS),
    57: (("spec/test_network_on_tiles.py", "test_ranges_are_quantiles_over_all_batches"),),
    62: (("spec/test_network_on_tiles.py", "test_gdc_divides_the_layer_output"),),
    63: ((GDC, "test_the_first_read_of_a_slower_device_is_at_its_own_t0"),
         ("evaluation/test_expected.py", "test_a_chip_is_first_read_at_25_s_or_at_a_later_t0")),
    68: (("spec/training/test_augmentation.py", "test_without_moves_images_are_only_normalised"),),
    78: (("spec/training/test_quantisation.py",
          "test_the_gradient_at_the_quantised_weights_goes_straight_through_to_those_of_full_precision"),),
    80: ((SCHEDULES, "test_constant_stays"),),
    81: ((SCHEDULES, "test_multi_step_is_the_wide_resnet_schedule"),),
    82: ((SCHEDULES, "test_step_divides_by_ten_every_50_of_200_epochs"),),
    83: ((SCHEDULES, "test_cosine_starts_full_is_half_midway_and_ends_near_zero"),),
    84: ((SCHEDULES, "test_one_cycle_rises_from_a_25th_to_the_peak_and_falls_to_a_10000th"),),
    87: ((AVERAGING, "test_the_statistics_are_the_mean_over_the_last_epochs_batches"),),
    88: ((NOISE, "test_the_update_goes_to_the_clean_weights_with_the_gradient_of_the_noisy_forward"),
         (NOISE, "test_a_step_with_clipping_leaves_no_weight_beyond_the_bound")),
}
